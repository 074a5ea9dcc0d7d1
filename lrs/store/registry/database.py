"""Opens the registry's database: SQLite with a write-ahead log, or PostgreSQL through psycopg."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from lrs.kernel.errors import RetryError, StopError

if TYPE_CHECKING:
    from collections.abc import Iterator

_READS = "ayumi_reads"
_SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON")
# A server that vanished without a word is noticed within half a minute, also by the connection that only listens.
_POSTGRES_OPTIONS = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


def open_database(url: str) -> sa.Engine:
    """An engine for `sqlite:///…` or `postgresql+psycopg://…`. Raises `StopError` for any other URL."""
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        if parsed.drivername == "postgresql+psycopg":
            return sa.create_engine(parsed, connect_args=_POSTGRES_OPTIONS, pool_pre_ping=True, pool_size=4)
    except (ArgumentError, NoSuchModuleError, ValueError):
        pass
    problem = "the registry's URL is neither sqlite:///… nor postgresql+psycopg://…"
    raise StopError(problem, remedy="Set AYUMI_REGISTRY__URL.")


def reading(engine: sa.Engine) -> sa.Engine:
    """The same engine for transactions that only read: they never wait for a writer."""
    return engine.execution_options(**{_READS: True})


@contextmanager
def reachable() -> Iterator[None]:
    """Turns the driver's "cannot reach, cannot lock" into `RetryError`."""
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) and not error.connection_invalidated:
            raise
        raise RetryError("registry", type(error.orig).__name__) from error


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's
    # The driver begins transactions late and not at all before DDL; here every one begins where SQLAlchemy says.
    connection.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # Immediate: a transaction that reads and then writes would otherwise fail when another wrote in between.
    reads = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
