"""Rows of the reference files: what each column must hold, and the record that a good row becomes. No I/O."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lrs.kernel.codec import codec
from lrs.kernel.curriculum import check_code
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.school_codes import check_school_code
from lrs.kernel.topics import Noun

_SEPARATOR = "\x1f"
_SALT_BYTES = 16
_LONGEST = 2048
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x1f<>\"{}|\\^`]+")
_PURPOSE = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"false", "no", "0"})
_ITEM_TYPES = ("question", "assessment", "page", "other")

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """What the topic holds already: salts by record key, and when a decision was taken, by record key."""

    salts: dict[bytes, bytes] = field(default_factory=dict)
    decided_ms: dict[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of file: its topic, its columns, and how a row is read. `read` raises `RefusedError`, path = column."""

    noun: Noun
    columns: tuple[str, ...]
    optional: tuple[str, ...]
    read: Callable[[Row, Known], tuple[bytes, dict[str, Any]]]

    def encode(self, record: dict[str, Any]) -> bytes:
        """The record's bytes on Kafka."""
        return codec(self.noun.value).encode(record)


def learner_record_key(home_page: str, name: str, *more: str) -> bytes:
    """The record key of what is known about an account."""
    return _SEPARATOR.join((home_page, name, *more)).encode()


def _catalogue(row: Row, _: Known) -> tuple[bytes, dict[str, Any]]:
    activity_id = _iri(row, "activity_id")
    code = row["curriculum_code"]
    if code:
        check_code(code, path="curriculum_code")
    record = {
        "activity_id": activity_id,
        "curriculum_code": code,
        "subject": _text(row, "subject", empty=True),
        "item_type": _one_of(row, "item_type", _ITEM_TYPES),
        "title": _text(row, "title", empty=True),
    }
    return activity_id.encode(), record


def _roster(row: Row, known: Known) -> tuple[bytes, dict[str, Any]]:
    home_page, name = _iri(row, "home_page"), _text(row, "name")
    key = learner_record_key(home_page, name)
    check_school_code(row["school_code"], path="school_code")
    # A learner keeps the salt, and with it the pseudonym, unless the file gives another one.
    salt = _salt(row) or known.salts.get(key) or secrets.token_bytes(_SALT_BYTES)
    record = {
        "home_page": home_page,
        "name": name,
        "salt": salt,
        "school_code": row["school_code"],
        "grade": _grade(row),
        "class_name": _text(row, "class_name", empty=True),
    }
    known.salts[key] = salt
    return key, record


def _consent(row: Row, known: Known) -> tuple[bytes, dict[str, Any]]:
    home_page, name = _iri(row, "home_page"), _text(row, "name")
    purpose = row["purpose"]
    if not _PURPOSE.fullmatch(purpose):
        _refuse("purpose", f"a purpose is up to 31 small letters, digits, _ and -, {purpose[:40]!r} is not")
    decided_ms = _moment_ms(row, "decided_at")
    until_ms = _moment_ms(row, "valid_until") if row["valid_until"] else None
    if until_ms is not None and until_ms <= decided_ms:
        _refuse("valid_until", "the end of the period lies before the decision")
    key = learner_record_key(home_page, name, purpose)
    # An older file must not bring back a consent that was withdrawn since.
    if decided_ms < known.decided_ms.get(key, decided_ms):
        raise SupersededError(key)
    known.decided_ms[key] = decided_ms
    return key, {
        "home_page": home_page,
        "name": name,
        "purpose": purpose,
        "recipient_kind": _text(row, "recipient_kind"),
        "data_class": _text(row, "data_class"),
        "granted": _boolean(row, "granted"),
        "guardian": _boolean(row, "guardian"),
        "decided_at_ms": decided_ms,
        "valid_until_ms": until_ms,
    }


CATALOGUE = Table(
    Noun.CATALOGUE, ("activity_id", "curriculum_code", "subject", "item_type", "title"), (), _catalogue
)  # fmt: skip
ROSTER = Table(Noun.ROSTER, ("home_page", "name", "school_code", "grade", "class_name"), ("salt",), _roster)
CONSENT = Table(
    Noun.CONSENT,
    (
        "home_page",
        "name",
        "purpose",
        "recipient_kind",
        "data_class",
        "granted",
        "guardian",
        "decided_at",
        "valid_until",
    ),
    (),
    _consent,
)


class SupersededError(Exception):
    """A decision that is older than the one already known: good, but without effect."""


def _refuse(column: str, rule: str) -> None:
    raise RefusedError(Refusal.INVALID, rule, path=column)


def _text(row: Row, column: str, *, empty: bool = False) -> str:
    text = row[column]
    if not text and not empty:
        _refuse(column, "must not be empty")
    if len(text) > _LONGEST:
        _refuse(column, f"must not have more than {_LONGEST} characters")
    if not (text.isprintable() or all(map(_may_stand_in_text, text))):
        _refuse(column, "must not hold control characters or line breaks")
    return text


def _may_stand_in_text(character: str) -> bool:
    """Printable, or a space: Python counts U+3000, which parts the words of many a school's name, as unprintable."""
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _iri(row: Row, column: str) -> str:
    text = _text(row, column)
    if not _IRI.fullmatch(text):
        _refuse(column, f"an IRI with a scheme such as https://…, {text[:60]!r} is not")
    return text


def _one_of(row: Row, column: str, allowed: tuple[str, ...]) -> str:
    text = row[column]
    if text not in allowed:
        _refuse(column, f"one of {', '.join(allowed)}, not {text[:40]!r}")
    return text


def _grade(row: Row) -> int:
    text = row["grade"]
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:3]) <= 12):
        _refuse("grade", f"a school grade from 1 to 12 (中学校第1学年 is 7), not {text[:20]!r}")
    return int(text)


def _salt(row: Row) -> bytes | None:
    text = row.get("salt", "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9A-Fa-f]{32}", text):
        _refuse("salt", "32 hexadecimal digits, or empty to keep or make one")
    return bytes.fromhex(text)


def _boolean(row: Row, column: str) -> bool:
    text = row[column].lower()
    if text not in _YES | _NO:
        _refuse(column, f"true or false, not {row[column][:20]!r}")
    return text in _YES


def _moment_ms(row: Row, column: str) -> int:
    text = row[column]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        _refuse(column, f"a time with its offset, such as 2026-04-01T00:00:00+09:00, not {text[:40]!r}")
        return 0
    return int(moment.astimezone(UTC).timestamp() * 1000)
