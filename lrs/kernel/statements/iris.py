"""IRIs, mailto IRIs and hashes of them: whether a string has the form (xAPI 1.0.3 Data 4.3, 2.4.2.3)."""

from __future__ import annotations

import re

# Scheme, colon, and at least one character that RFC 3987 allows: no space, control, quote, < or >, brace, backslash,
# caret, backtick or bar, and no percent sign without two digits. Not the whole grammar: Data 2.2 asks for best effort.
_IRI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:(?:[^\x00-\x20\x7f-\xa0\"<>\\^`{|}%\u2028\u2029]|%[0-9A-Fa-f]{2})+"
).fullmatch
# One address; what has a meaning of its own in an address list or in a mailto IRI is not in it.
_WORD = r"[^\s@<>()\[\]\\,;:\"?\x00-\x1f\x7f]+"
_LABEL = r"[^\s@<>()\[\]\\,;:\"?/.\x00-\x1f\x7f]+"
_MBOX = re.compile(rf"mailto:{_WORD}@{_LABEL}(?:\.{_LABEL})*").fullmatch
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}").fullmatch

# Verbs, activity types, extension keys and homePages repeat in nearly every statement: a look-up costs a tenth of the
# match. Only short ones that passed are kept, and the set is emptied when full, so that no sender can make it grow.
_MOST_KNOWN = 8192
_LONGEST_KNOWN = 256
_known: set[str] = set()


def is_iri(text: str) -> bool:
    """Whether `text` is an IRI with a scheme."""
    if text in _known:
        return True
    if _IRI(text) is None:
        return False
    if len(text) <= _LONGEST_KNOWN:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known.add(text)
    return True


def is_mbox(text: str) -> bool:
    """Whether `text` is `mailto:` and one e-mail address."""
    return _MBOX(text) is not None


def comparable_mbox(mbox: str) -> str:
    """The mbox with its domain in lower case, because domains are case insensitive (xAPI 1.0.3 Data 2.3.1)."""
    local, _, domain = mbox.rpartition("@")
    return f"{local}@{domain.lower()}"


def is_sha1(text: str) -> bool:
    """Whether `text` is a SHA-1 hash in hexadecimal."""
    return _SHA1(text) is not None
