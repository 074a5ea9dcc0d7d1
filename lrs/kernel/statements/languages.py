"""Language tags and language maps (xAPI 1.0.3 Data 4.2, RFC 5646)."""

from __future__ import annotations

import re

from lrs.kernel.statements.rules import broken, step

_TAG = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})"  # language, extended language
    r"(?:-[a-z]{4})?"  # script
    r"(?:-(?:[a-z]{2}|[0-9]{3}))?"  # region
    r"(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(?P<extensions>(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*)"
    r"(?:-x(?:-[a-z0-9]{1,8})+)?"
).fullmatch
_PRIVATE = re.compile(r"x(?:-[a-z0-9]{1,8})+").fullmatch
# Registered before the grammar was; the regular ones among the grandfathered tags fit the grammar anyway.
_IRREGULAR = re.compile(
    r"en-gb-oed|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)|sgn-(?:be-fr|be-nl|ch-de)"
).fullmatch
_MOST_KNOWN = 1024
_LONGEST = 256
_known: set[str] = set()


def is_language_tag(text: str) -> bool:
    """Whether `text` has the form of an RFC 5646 tag: the lengths of its parts, no variant and no singleton twice."""
    if text in _known:
        return True
    if len(text) > _LONGEST or not _fits(text.lower()):
        return False
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known.add(text)
    return True


def _fits(tag: str) -> bool:
    if _IRREGULAR(tag) or _PRIVATE(tag):
        return True
    match = _TAG(tag)
    if match is None:
        return False
    variants = match["variants"].split("-")
    singletons = [part for part in match["extensions"].split("-") if len(part) == 1]
    return len(set(variants)) == len(variants) and len(set(singletons)) == len(singletons)


def check_language_map(texts: dict[str, str], path: str) -> None:
    """Raise `RefusedError` for the first key that is no language tag."""
    if _known.issuperset(texts):
        return
    for tag in texts:
        if not is_language_tag(tag):
            raise broken(path + step(tag), "a language map's keys are RFC 5646 language tags", "Data 4.2")
