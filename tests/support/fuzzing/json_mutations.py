"""Good JSON made bad: one to three changes at places chosen among all, keys and values, or in its text."""

from __future__ import annotations

import copy
import json
import random
import uuid
from collections.abc import Callable
from typing import Any

Steps = tuple[str | int, ...]

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 1e308, 10**30, float("nan"), float("inf")),
    *("", " ", "x", "\x00", "a" * 3000, "𠮷😀", "\ud800", "../../etc", "%00", "1", "null", "=cmd()"),
    *("urn:x", "no iri", "http://", "ab=c://x", "mailto:x", "mailto:should.fail.com", "2026-13-45T25:61:61Z"),
    *("2026-04-08T09:00:00-00:00", "P4W1D", "PT1Y", "zh-z-aaa-z-bbb", "a12345678", "0" * 40, str(uuid.UUID(int=0))),
    *([], {}, [[]], [None], {"": None}, {"a": {"b": {"c": [1]}}}, ["x"] * 300, [[[[[[[[[[]]]]]]]]]]),
    *("Agent", "Group", "Person", "StatementRef", "SubStatement", "activity", "http://adlnet.gov/expapi/verbs/voided"),
)
_KEYS = ("", "id", "ID", "objectType", "member", "mbox", "account", "stored", "extensions", "__proto__", "$ref", "x")


def places(value: object, at: Steps = ()) -> list[Steps]:
    """Every position of a JSON value, the whole first."""
    found: list[Steps] = [at]
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        found += places(child, (*at, key))
    return found


def mutated(rng: random.Random, value: object) -> Any:  # noqa: ANN401 - any JSON
    """A copy with one to three changes."""
    whole = {"": copy.deepcopy(value)}
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        *steps, last = rng.choice(places(whole)[1:])
        inner: Any = whole
        for step in steps:
            inner = inner[step]
        rng.choice(_CHANGES)(rng, inner, last, whole[""])
        if "" not in whole:
            return None
    return whole[""]


def _replace(rng: random.Random, inner: Any, key: Any, _: object) -> None:  # noqa: ANN401 - any JSON
    inner[key] = copy.deepcopy(rng.choice(VALUES))


def _remove(_rng: random.Random, inner: Any, key: Any, _: object) -> None:  # noqa: ANN401 - any JSON
    del inner[key]


def _rename(rng: random.Random, inner: Any, key: Any, _: object) -> None:  # noqa: ANN401 - any JSON
    if isinstance(inner, dict) and key:
        name = rng.choice((key.upper(), key.capitalize(), f"{key} ", f"{key}s", key[:-1], rng.choice(_KEYS)))
        inner[name] = inner.pop(key)


def _add(rng: random.Random, inner: Any, key: Any, _: object) -> None:  # noqa: ANN401 - any JSON
    value = copy.deepcopy(rng.choice(VALUES))
    target = inner[key] if isinstance(inner[key], dict | list) else inner
    if isinstance(target, dict):
        target[rng.choice(_KEYS)] = value
    else:
        target.insert(rng.randrange(len(target) + 1), value)


def _wrap(rng: random.Random, inner: Any, key: Any, _: object) -> None:  # noqa: ANN401 - any JSON
    value = inner[key]
    inner[key] = rng.choice(([value], {"id": value}, {str(key): value}, [value] * 40, str(value), [[[value]]]))


def _transplant(rng: random.Random, inner: Any, key: Any, whole: object) -> None:  # noqa: ANN401 - any JSON
    """What stands elsewhere: well formed, yet not here."""
    found: Any = whole
    for step in rng.choice(places(whole)):
        found = found[step]
    inner[key] = copy.deepcopy(found)


def _distort(rng: random.Random, inner: Any, key: Any, _: object) -> None:  # noqa: ANN401 - any JSON
    value = inner[key]
    if isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        odd = rng.choice(("", " ", "\n", "\x7f", "é", "\u202e", "%", '"', "\\", "/" * 50))
        inner[key] = value[:at] + odd + value[at + 1 :]
    elif isinstance(value, int | float):
        inner[key] = rng.choice((-value, value * 10**9, str(value), [value], value + 0.5))


_CHANGES: tuple[Callable[[random.Random, Any, Any, object], None], ...] = (
    *(_replace, _remove, _rename, _add),
    *(_wrap, _transplant, _distort, _replace),
)


def text_of(value: object) -> bytes:
    """JSON as an app writes it: NaN and lone surrogates too."""
    return json.dumps(value, ensure_ascii=True).encode()


def broken_text(rng: random.Random, text: bytes) -> bytes:
    """The text with something in it that is no longer JSON, or not the same: bytes cut, doubled, flipped, put in."""
    at, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
    return rng.choice(_BREAKS)(rng, text, at, end)


def _put_in(rng: random.Random, text: bytes, at: int, _: int) -> bytes:
    odd = rng.choice((b"\xff", b"\xed\xa0\x80", b"\x00", b"\xef\xbb\xbf", b"//", b",", b"}", b"[" * 2000, b"1e999"))
    return text[:at] + odd + text[at:]


def _twice_the_same_key(_rng: random.Random, text: bytes, _at: int, _end: int) -> bytes:
    """Which one counts differs from reader to reader."""
    return text.replace(b'"verb":', b'"verb": {"id": "urn:x:other"}, "verb":', 1)


def _flip(rng: random.Random, text: bytes, at: int, _: int) -> bytes:
    flipped = bytearray(text or b"x")
    flipped[at % len(flipped)] ^= 1 << rng.randrange(8)
    return bytes(flipped)


_BREAKS: tuple[Callable[[random.Random, bytes, int, int], bytes], ...] = (
    lambda _rng, text, at, _end: text[:at],
    lambda _rng, text, at, end: text[:at] + text[end:],
    lambda _rng, text, at, end: text[:end] + text[at:],
    _put_in,
    _twice_the_same_key,
    lambda rng, text, _at, _end: text.decode("utf-8", "replace").encode(rng.choice(("utf-16", "utf-32", "utf-7"))),
    _flip,
    lambda rng, text, _at, _end: text + rng.choice((text, b"\x00", b"]", b" {}")),
)
