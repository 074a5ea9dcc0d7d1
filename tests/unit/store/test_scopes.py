"""Scope words, as a person names them."""

from __future__ import annotations

import pytest

from lrs.kernel.errors import RefusedError
from lrs.store.registry.scopes import DEFAULT_SCOPES, Scope, read_scopes


def test_scopes_are_kept_once_and_in_one_order() -> None:
    assert read_scopes(["state", "statements/write", "state"]) == (Scope.STATEMENTS_WRITE, Scope.STATE)
    assert read_scopes([]) == ()
    assert read_scopes(list(Scope)) == tuple(Scope)


@pytest.mark.parametrize("word", ["", "State", "statements", "state ", "state profile", "define", "all/write"])
def test_an_unknown_scope_is_refused_and_the_known_ones_are_named(word: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_scopes(["state", word])
    assert caught.value.path == "scope"
    assert all(scope in caught.value.rule for scope in Scope)


def test_the_default_scopes_reach_no_other_apps_records() -> None:
    assert not {Scope.STATEMENTS_READ, Scope.ALL_READ, Scope.ALL} & set(DEFAULT_SCOPES)
