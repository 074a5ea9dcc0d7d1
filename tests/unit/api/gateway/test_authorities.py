"""The authority that a caller's statements get, and the one that it may see."""

from __future__ import annotations

import orjson

from lrs.api.gateway.access import Access, Account, Token
from lrs.api.gateway.authorities import Authorities
from lrs.kernel.statements.parts import read_authority
from lrs.store.registry import Credential

HOME = "https://lrs.example.jp/a"
APP = {"objectType": "Agent", "account": {"homePage": HOME, "name": "drill-a"}}
USER = Account("https://login.example.jp", "u-日本")


def _access(*scopes: str, token: Token | None = None) -> Access:
    return Access(Credential("k", "drill-a", scopes, 0), token)


def test_an_app_is_an_agent_with_an_account_at_the_record_store() -> None:
    assert orjson.loads(Authorities(HOME).of_caller(_access())) == APP
    assert Authorities(HOME).of_caller(_access(token=Token(None, ""))) == Authorities(HOME).of("drill-a")


def test_an_app_with_a_person_is_an_anonymous_group_of_both() -> None:
    authority = Authorities(HOME).of_caller(_access(token=Token(USER, "")))
    person = {"objectType": "Agent", "account": {"homePage": "https://login.example.jp", "name": "u-日本"}}
    assert orjson.loads(authority) == {"objectType": "Group", "member": [APP, person]}


def test_both_forms_are_valid_authorities() -> None:
    for token in (None, Token(USER, "")):
        read_authority(Authorities(HOME).of_caller(_access(token=token)))


def test_only_a_person_who_reads_their_own_is_bound_to_their_authority() -> None:
    authorities = Authorities(HOME)
    mine = _access("statements/read/mine", token=Token(USER, ""))
    assert authorities.visible_to(mine) == authorities.of_caller(mine)
    assert authorities.visible_to(_access("statements/read", token=Token(USER, ""))) is None
    assert authorities.visible_to(_access("statements/read/mine", token=Token(None, ""))) is None
    assert authorities.visible_to(_access("statements/read/mine")) is None
