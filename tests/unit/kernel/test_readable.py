"""What strangers wrote is shown whole, on lines, and with nothing hidden in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.readable import pretty, visible

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize("text", ["plain", "算数　第１章\u00a0", "two\nlines", ""])
def test_what_can_be_seen_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\u001b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("\x00\r\t\x9b", "\\u0000\\u000d\\u0009\\u009b"),
        ("\u2028", "\\u2028"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_moves_cursors_or_turns_lines_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    assert all(one.isprintable() or one in "\n\u3000\u00a0" for one in visible(text))


@given(ANY_JSON)
def test_json_means_the_same_when_it_is_indented(value: object) -> None:
    assert json.loads(pretty(json.dumps(value).encode(), 1 << 20)[0]) == value


def test_json_stands_on_lines_of_its_own() -> None:
    assert pretty(b'{"a":[1,{}],"b":"x,{"}', 1000) == ('{\n  "a": [\n    1,\n    {}\n  ],\n  "b": "x,{"\n}', 0)


def test_a_key_that_is_said_twice_and_a_number_as_it_was_written_are_shown() -> None:
    assert pretty(b'{"a":1.0e5,"a":2}', 1000)[0] == '{\n  "a": 1.0e5,\n  "a": 2\n}'


@pytest.mark.parametrize("raw", [b"hello", b"", b"\xff\xfe", b'{"a', b"{]}[", b'"text"'])
def test_what_is_no_json_is_shown_as_it_came(raw: bytes) -> None:
    text, left = pretty(raw, 1000)
    assert "".join(text.split()) == raw.decode("utf-8", "backslashreplace")
    assert left == 0


def test_what_is_left_out_is_told() -> None:
    assert pretty(b"x" * 100, 30) == ("x" * 30, 70)


def test_a_thousand_levels_do_not_become_a_mountain_of_spaces() -> None:
    assert len(pretty(b"[" * 60_000, 64 * 1024)[0]) < 60_000 * 50
