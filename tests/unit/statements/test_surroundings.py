"""What is learnt of one sitting's context says the same of another's as reading it would."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.errors import RefusedError
from lrs.kernel.statements import XapiVersion, surroundings
from lrs.kernel.statements.relations import separate

_ONE = "64bb0c83-02d3-4b91-923b-2651aa31b3a3"
_OTHER = "0f83d63d-5dd0-5254-a74b-5fb471542cb2"
# Their order is that of the alphabet: where it counts, another registration makes another.
_BETWEEN = "3"
_SITTING = "https://drill.example/sittings/"
# Each makes properties of a context that hold the registration (@), some where its digits matter, or a like text (^).
_PLACES: list[dict[str, Any]] = [
    {"registration": "@"},
    {"registration": "^"},
    {"contextActivities": {"grouping": [{"id": _SITTING + "@"}]}},
    {"contextActivities": {"grouping": {"id": _SITTING + "@"}}},
    {"contextActivities": {"parent": [{"id": _SITTING + "@/1"}]}},
    {"contextActivities": {"parent": [{"id": _SITTING + "@", "definition": {"name": {"ja": "夏"}}}]}},
    {"contextActivities": {"parent": [{"id": "https://x.example/1", "definition": {"moreInfo": _SITTING + "@"}}]}},
    {"contextActivities": {"other": [{"id": _SITTING + "@"}, {"id": _SITTING + _OTHER}]}},
    {"extensions": {_SITTING + "@": 1}},
    {"extensions": {_SITTING + "@": 1, _SITTING + _BETWEEN: 2}},
    {"extensions": {"https://x.example/registration": {"registration": "@"}}},
    {"extensions": {"https://x.example/session": "a/@"}},
    {"platform": "@", "language": "ja"},
    {"language": "@"},
    {"revision": "/@"},
    {"statement": {"objectType": "StatementRef", "id": "@"}},
    {"statement": {"objectType": "StatementRef", "id": "^"}},
    {"instructor": {"account": {"homePage": "https://portal.example/@", "name": "@"}}},
    {"instructor": {"mbox": "mailto:@@board.example"}},
    {
        "team": {
            "objectType": "Group",
            "member": [
                {"account": {"homePage": "https://portal.example/@", "name": "1"}},
                {"account": {"homePage": "https://portal.example/" + _BETWEEN, "name": "1"}},
            ],
        }
    },
]

_USUAL = [_PLACES[0], _PLACES[2]]


# As JavaScript and Python write JSON when nothing is said.
_SEPARATORS = [(",", ":"), (", ", ": ")]


def _context(places: list[dict[str, Any]], registration: str, separators: tuple[str, str] = (",", ":")) -> bytes:
    context: dict[str, Any] = {}
    for place in places:
        context |= place
    text = json.dumps(context, ensure_ascii=False, separators=separators)
    return text.replace("@", registration).replace("^", _ONE.upper()).encode()


def _told(read: surroundings.Surroundings) -> tuple[object, ...]:
    return (read.registration, read.activity_only, read.comparable, read.definitions, set(separate(read.relations)))


def _read(raw: bytes, version: XapiVersion) -> object:
    """All that is told of a context, or the refusal."""
    try:
        return _told(surroundings.read_context(raw, version))
    except RefusedError as error:
        return error.path, error.rule


_SOME: st.SearchStrategy[list[dict[str, Any]]] = st.lists(st.sampled_from(_PLACES), max_size=4)


def _forget() -> None:
    for arounds in surroundings._arounds.values():  # noqa: SLF001 - what was learnt in other tests
        arounds.clear()


def _check_alike(places: list[dict[str, Any]], version: XapiVersion) -> None:
    for separators in _SEPARATORS:
        _forget()
        expected = _read(_context(places, _OTHER, separators), version)
        _forget()
        _read(_context(places, _ONE, separators), version)
        assert _read(_context(places, _OTHER, separators), version) == expected


@pytest.mark.parametrize("version", XapiVersion)
@pytest.mark.parametrize("place", _PLACES)
def test_a_context_after_a_like_one_is_read_as_if_it_came_first(place: dict[str, Any], version: XapiVersion) -> None:
    _check_alike([_PLACES[0], place], version)


@given(places=_SOME, version=st.sampled_from(XapiVersion))
def test_so_is_one_with_the_registration_in_several_places(places: list[dict[str, Any]], version: XapiVersion) -> None:
    _check_alike(places, version)


@pytest.mark.parametrize("separators", _SEPARATORS)
def test_of_sittings_that_are_alike_only_the_first_is_read(
    separators: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget()
    surroundings.read_context(_context(_USUAL, _ONE, separators), XapiVersion.V1)
    monkeypatch.delattr(surroundings, "_read")
    known = surroundings.read_context(_context(_USUAL, _OTHER, separators), XapiVersion.V1)
    assert known.registration == uuid.UUID(_OTHER).bytes
    assert (_SITTING + _OTHER).encode() in known.comparable


def test_a_zero_byte_where_the_registration_was_is_refused() -> None:
    _forget()
    raw = _context(_USUAL, _ONE)
    surroundings.read_context(raw, XapiVersion.V1)
    damaged = raw.replace(f"/{_ONE}".encode(), b"/\0")
    with pytest.raises(RefusedError):
        surroundings.read_context(damaged, XapiVersion.V1)
