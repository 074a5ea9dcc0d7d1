"""What each scope allows, whose records it shows, and what a refusal says."""

from __future__ import annotations

import pytest

from lrs.api.gateway.access import Access, Account, Action, Token
from lrs.api.gateway.answers import HttpError
from lrs.store.registry import Credential

WRITES = {Action.STATEMENTS_WRITE, Action.STATE_WRITE, Action.PROFILE_WRITE}
READS = set(Action) - WRITES
STATEMENT_READS = {Action.STATEMENTS_READ, Action.DEFINITIONS}


def _access(*scopes: str, token: Token | None = None) -> Access:
    return Access(Credential("k", "drill-a", scopes, 0), token)


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("statements/write", {Action.STATEMENTS_WRITE}),
        ("statements/read/mine", STATEMENT_READS),
        ("statements/read", STATEMENT_READS),
        ("state", {Action.STATE_READ, Action.STATE_WRITE}),
        ("profile", {Action.PROFILE_READ, Action.PROFILE_WRITE}),
        ("all/read", READS),
        ("all", set(Action)),
    ],
)
def test_a_scope_allows_its_actions_and_no_other(scope: str, allowed: set[Action]) -> None:
    access = _access(scope)
    for action in Action:
        if action in allowed:
            access.require(action)
        else:
            with pytest.raises(HttpError, match=action.value):
                access.require(action)


@pytest.mark.parametrize(
    ("scopes", "statements_of", "documents_of"),
    [
        ((), "drill-a", "drill-a"),
        (("statements/read/mine", "state"), "drill-a", "drill-a"),
        (("statements/read",), None, "drill-a"),
        (("all/read",), None, None),
        (("all",), None, None),
        (("statements/read/mine", "all/read"), None, None),
    ],
)
def test_only_wide_scopes_show_what_other_apps_wrote(
    scopes: tuple[str, ...], statements_of: str | None, documents_of: str | None
) -> None:
    access = _access(*scopes)
    assert (access.visible_app, access.documents_app) == (statements_of, documents_of)


def test_a_credential_without_scopes_writes_statements_and_uses_its_own_records() -> None:
    assert _access().allowed == _access("statements/write", "statements/read/mine", "state", "profile").allowed
    assert _access().allowed == set(Action)


def test_a_credential_whose_scopes_are_all_unknown_may_do_nothing() -> None:
    access = _access("of/a/later/release")
    assert access.allowed == set()
    assert (access.visible_app, access.documents_app) == ("drill-a", "drill-a")


def test_a_refusal_is_a_403_that_names_every_scope_that_would_do() -> None:
    with pytest.raises(HttpError) as caught:
        _access("state").require(Action.STATEMENTS_READ)
    error = caught.value
    assert (error.status, error.reason, error.path) == (403, "insufficient_scope", "Authorization")
    assert error.rule == (
        "to read statements a credential has one of the scopes statements/read/mine, statements/read, all/read, all"
    )
    assert error.headers == ()


def test_a_refused_token_is_told_the_scope_to_ask_its_issuer_for() -> None:
    with pytest.raises(HttpError) as caught:
        _access("state", token=Token(Account("https://login.example.jp", "u1"), "xapi:")).require(
            Action.STATEMENTS_WRITE
        )
    [(name, value)] = caught.value.headers
    assert name == b"www-authenticate"
    assert value.startswith(b'Bearer realm="ayumi", error="insufficient_scope", error_description="to write statements')
    assert value.endswith(b', scope="xapi:statements/write"')
