"""Documents: state, activity profiles, agent profiles (xAPI 1.0.3 Communication 2.2), changed by compare-and-set only.

What a document becomes is decided inside the transaction that changes it, so that no writer overwrites what it has not
seen. What the conditions are, and how documents merge, is the gateway's to say.
"""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from enum import StrEnum
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from lrs.kernel.errors import RetryError
from lrs.store.registry.database import reachable, reading
from lrs.store.registry.tables import DOCUMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Decide = Callable[["Document | None"], "Content | None"]

_COLUMNS = DOCUMENTS.c
_READ = (_COLUMNS.etag, _COLUMNS.updated_at_ms, _COLUMNS.content_type, _COLUMNS.content)
_TURNS = 20


class DocumentKind(StrEnum):
    """Which of the three resources a document belongs to."""

    STATE = "state"
    ACTIVITY_PROFILE = "activity_profile"
    AGENT_PROFILE = "agent_profile"


class Context(NamedTuple):
    """What documents are about. Profiles have no registration, and either no activity or no agent: empty strings.

    `agent_key` is that of `lrs.kernel.statements.agents`. Without a registration `list` and `delete_all` mean those of
    every registration, all else those of none.
    """

    kind: DocumentKind
    activity_id: str = ""
    agent_key: str = ""
    registration: bytes | None = None


class DocumentKey(NamedTuple):
    """One document: `app` wrote it."""

    app: str
    context: Context
    document_id: str


class Content(NamedTuple):
    """What a document becomes."""

    content_type: str
    content: bytes


class Document(NamedTuple):
    """A document as it is stored. `etag` is the SHA-1 of the content, 40 hexadecimal digits without quotes."""

    etag: str
    updated_at_ms: int
    content_type: str
    content: bytes


class Listed(NamedTuple):
    """A document in a list."""

    document_id: str
    updated_at_ms: int


class Documents:
    """The table `documents`. Thread-safe."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._reader = reading(engine)
        # SQLite has one writer, and those that wait for it poll: threads of one process queue here instead.
        self._writer = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()

    def get(self, key: DocumentKey, *, every_app: bool = False) -> Document | None:
        """The app's document; with `every_app`, when the app has none, the one that another app wrote last."""
        query = sa.select(*_READ).where(*_named(key))
        if every_app:
            query = query.order_by(sa.desc(_COLUMNS.app == key.app), _COLUMNS.updated_at_ms.desc()).limit(1)
        else:
            query = query.where(_COLUMNS.app == key.app)
        with reachable(), self._reader.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else Document._make(row)

    def list(self, context: Context, app: str | None, *, since_ms: int | None = None) -> list[Listed]:
        """The ids of a context, each once, in the order of their last change; `app` None: those of every app.

        `since_ms` is exclusive.
        """
        latest = sa.func.max(_COLUMNS.updated_at_ms)
        query = sa.select(_COLUMNS.document_id, latest).where(*_within(context)).group_by(_COLUMNS.document_id)
        if app is not None:
            query = query.where(_COLUMNS.app == app)
        if since_ms is not None:
            query = query.where(_COLUMNS.updated_at_ms > since_ms)
        with reachable(), self._reader.connect() as connection:
            rows = connection.execute(query.order_by(latest, _COLUMNS.document_id))
            return [Listed(document_id.decode(), updated) for document_id, updated in rows]

    def change(self, key: DocumentKey, decide: Decide) -> Document | None:
        """Replace a document by what `decide` makes of it: None stands for no document, before and after.

        Nobody changes the document meanwhile. What `decide` raises ends it without a change; it is asked again when
        another writer was first to make the document. Raises `RetryError` when the registry cannot be reached.
        """
        for _ in range(_TURNS):
            try:
                with self._writer, reachable(), self._engine.begin() as connection:
                    return _change(connection, key, decide)
            except sa.exc.IntegrityError:
                continue  # there was no row to lock, and another made it
        raise RetryError("registry", "a document is made and deleted all the time")

    def delete_all(self, context: Context, app: str) -> int:
        """Delete every document of the app in a context; how many there were."""
        # In an order, so that two of these cannot wait for each other.
        found = sa.select(_COLUMNS.name).where(*_within(context), _COLUMNS.app == app)
        names = found.order_by(_COLUMNS.name).with_for_update()
        these = sa.and_(_COLUMNS.context == _digest(*_about(context)), _COLUMNS.app == app, _COLUMNS.name.in_(names))
        with self._writer, reachable(), self._engine.begin() as connection:
            return connection.execute(sa.delete(DOCUMENTS).where(these)).rowcount


def etag_of(content: bytes) -> str:
    """The SHA-1 of a content, as xAPI 1.0.3 Communication 3.1 asks for."""
    return sha1(content, usedforsecurity=False).hexdigest()


def _change(connection: sa.Connection, key: DocumentKey, decide: Decide) -> Document | None:
    mine = sa.and_(*_named(key), _COLUMNS.app == key.app)
    # SQLite knows no row locks and needs none: its transactions that write take turns.
    row = connection.execute(sa.select(*_READ).where(mine).with_for_update()).first()
    before = None if row is None else Document._make(row)
    wanted = decide(before)
    if wanted is None:
        if before is not None:
            connection.execute(sa.delete(DOCUMENTS).where(mine))
        return None
    # Two changes within a millisecond, or after the clock was set back, are two moments all the same: `since` tells.
    moment = max(time.time_ns() // 1_000_000, before.updated_at_ms + 1 if before else 0)
    after = Document(etag_of(wanted.content), moment, wanted.content_type, wanted.content)
    if before is None:
        connection.execute(sa.insert(DOCUMENTS).values(_identity(key) | after._asdict()))
    else:
        connection.execute(sa.update(DOCUMENTS).where(mine).values(after._asdict()))
    return after


def _identity(key: DocumentKey) -> dict[str, object]:
    context = key.context
    return {
        "context": _digest(*_about(context)),
        "name": _name(key),
        "app": key.app,
        "kind": context.kind.value,
        "activity_id": context.activity_id.encode(),
        "agent_key": context.agent_key.encode(),
        "registration": context.registration or b"",
        "document_id": key.document_id.encode(),
    }


def _named(key: DocumentKey) -> Sequence[sa.ColumnElement[bool]]:
    return (_COLUMNS.context == _digest(*_about(key.context)), _COLUMNS.name == _name(key))


def _within(context: Context) -> Sequence[sa.ColumnElement[bool]]:
    about = _COLUMNS.context == _digest(*_about(context))
    return (about,) if context.registration is None else (about, _COLUMNS.registration == context.registration)


def _about(context: Context) -> tuple[bytes, ...]:
    return context.kind.encode(), context.activity_id.encode(), context.agent_key.encode()


def _name(key: DocumentKey) -> bytes:
    return _digest(key.context.registration or b"", key.document_id.encode())


def _digest(*parts: bytes) -> bytes:
    """SHA-256 of the parts, each behind its length: no two lists of parts are the same bytes."""
    return sha256(b"".join(len(part).to_bytes(8) + part for part in parts)).digest()
