"""Notices that credentials changed, from any process, cheaply enough to be asked on every request."""

from __future__ import annotations

import sqlite3
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa

from lrs.kernel.errors import RetryError
from lrs.store.registry.database import reachable
from lrs.store.registry.tables import CREDENTIAL_GENERATIONS

CHANNEL = "ayumi_credentials"


class Changes(Protocol):
    """Says whether the credentials may have changed since it was asked last. One caller at a time."""

    def seen(self) -> bool:
        """Whether to read the credentials again. Never waits for the network while the connection is well.

        Raises `RetryError` when it cannot be known: a revocation could be missed.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class SqliteChanges:
    """`PRAGMA data_version` (7 µs) moves when another connection wrote anything; then the generation is compared."""

    def __init__(self, engine: sa.Engine) -> None:
        self._pooled = engine.raw_connection()
        self._cursor: Any = self._pooled.cursor()
        self._version: int | None = None
        self._generation: int | None = None

    def seen(self) -> bool:
        """See `Changes.seen`."""
        try:
            version = self._cursor.execute("PRAGMA data_version").fetchone()[0]
            if version == self._version:
                return False
            generation = self._cursor.execute("SELECT generation FROM credential_generations").fetchone()[0]
        except sqlite3.Error as error:
            raise RetryError("registry", type(error).__name__) from error
        changed = generation != self._generation
        self._version, self._generation = version, generation
        return bool(changed)

    def close(self) -> None:
        """See `Changes.close`."""
        self._pooled.close()


class PostgresChanges:
    """LISTEN on a connection of its own; what arrived is taken from the socket without waiting."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._pooled: Any = None

    def seen(self) -> bool:
        """See `Changes.seen`."""
        if self._pooled is None:
            self._listen()
            return True  # whatever was said before we listened was missed
        line = self._pooled.driver_connection.pgconn
        try:
            line.consume_input()
        except psycopg.OperationalError:
            self.close()
            self._listen()
            return True
        heard = False
        while line.notifies() is not None:
            heard = True
        return heard

    def close(self) -> None:
        """See `Changes.close`."""
        pooled, self._pooled = self._pooled, None
        if pooled is not None:
            pooled.invalidate()

    def _listen(self) -> None:
        with reachable():
            pooled: Any = self._engine.raw_connection()
        pooled.driver_connection.autocommit = True
        pooled.driver_connection.execute(f"LISTEN {CHANNEL}")
        self._pooled = pooled


def watch(engine: sa.Engine) -> Changes:
    """The way that fits the database."""
    return PostgresChanges(engine) if engine.dialect.name == "postgresql" else SqliteChanges(engine)


def announce(connection: sa.Connection) -> None:
    """Tell every process, at this transaction's commit, that credentials changed."""
    connection.execute(sa.update(CREDENTIAL_GENERATIONS).values(generation=CREDENTIAL_GENERATIONS.c.generation + 1))
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
