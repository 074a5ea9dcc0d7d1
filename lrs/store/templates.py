"""What may be sent to the engine as SQL: one statement from a template, its data in typed `{name:Type}` parameters.

The engine runs `a; b` as two statements, reads any local file through `file()`, and takes data that was pasted into a
statement for SQL. So a statement is checked before it is sent, once per text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from lrs.kernel.errors import AyumiError

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["query", "command"]

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*):[A-Za-z0-9_(), ']+\}")
_LITERAL = re.compile(r"'([^']*)'")
# A template's own literals are zones, reasons, formats. Anything else in quotes is data and belongs into a parameter.
_PLAIN_LITERAL = re.compile(r"[A-Za-z0-9_/:.,%+\- ]*")
_FIRST_WORD = {
    "query": frozenset({"SELECT", "WITH", "EXISTS", "DESCRIBE", "EXPLAIN"}),
    "command": frozenset({"CREATE", "ALTER", "DROP", "INSERT", "OPTIMIZE", "TRUNCATE", "EXCHANGE", "RENAME"}),
}
_FORBIDDEN = (
    (re.compile(r"\bdefault\s*\.", re.IGNORECASE), "the database `default` is never used"),
    (
        re.compile(r"\b(file|url|s3|remote|remoteSecure|executable|mysql|postgresql)\s*\(", re.IGNORECASE),
        "reads from outside the store",
    ),
    # An embedded engine with a Kafka table cannot be opened again.
    (re.compile(r"\bENGINE\s*=\s*Kafka\b", re.IGNORECASE), "the Kafka engine is never used"),
    (re.compile(r"\b(INTO\s+OUTFILE|FROM\s+INFILE)\b", re.IGNORECASE), "touches local files"),
    (
        re.compile(r"\bSETTINGS\b.*\breadonly\b", re.IGNORECASE | re.DOTALL),
        "readonly is the handle's, not the statement's",
    ),
)


class TemplateError(AyumiError):
    """SQL that is not one statement of a template: a mistake in this program."""


def check_template(sql: str, names: Iterable[str], kind: Kind) -> None:
    """Raise `TemplateError` unless `sql` is one `kind` statement whose placeholders are exactly `names`."""
    placeholders = _placeholders(sql, kind)
    given = frozenset(names)
    if placeholders != given:
        msg = f"parameters {sorted(given)} given, {sorted(placeholders)} in the template"
        raise TemplateError(msg)


@lru_cache(maxsize=1024)
def _placeholders(sql: str, kind: Kind) -> frozenset[str]:
    problem = _problem(sql, kind)
    if problem:
        msg = f"not a template: {problem}"
        raise TemplateError(msg)
    return frozenset(_PLACEHOLDER.findall(sql))


def _problem(sql: str, kind: Kind) -> str:
    if ";" in sql:
        return "one statement at a time"
    if "--" in sql or "/*" in sql or "#" in sql:
        return "no comments"
    words = sql.split(maxsplit=1)
    if not words or words[0].upper() not in _FIRST_WORD[kind]:
        return f"a {kind} starts with one of {', '.join(sorted(_FIRST_WORD[kind]))}"
    if "\\" in sql or sql.count("'") % 2:
        return "no escapes and no open quotes"
    for literal in _LITERAL.findall(sql):
        if not _PLAIN_LITERAL.fullmatch(literal):
            return "data belongs into a parameter"
    return next((why for pattern, why in _FORBIDDEN if pattern.search(sql)), "")
