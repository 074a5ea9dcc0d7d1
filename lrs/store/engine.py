"""The one way to ClickHouse: a few read handles and one write handle over a clickhouse-connect DSN, embedded or remote.

Knows the engine's hazards so that nothing else has to; `docs/decisions/0003-exactly-once-by-offsets.md` has the list.
"""

from __future__ import annotations

import errno
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clickhouse_connect.driver.exceptions import DataError, NotSupportedError, ProgrammingError
from clickhouse_connect.driver.exceptions import Error as ClientError

from lrs.kernel.errors import AyumiError, RetryError, StopError
from lrs.store.handles import Handles
from lrs.store.native import block
from lrs.store.sources import Source, source_of
from lrs.store.templates import check_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from lrs.kernel.settings import Settings
    from lrs.kernel.zone_folder import ZoneFolder

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MIB = 1 << 20
# Mistakes in a template: syntax, unknown table, column or function, types. Their text holds SQL, never data.
_MISTAKES = frozenset({43, 46, 47, 53, 60, 62, 63, 386})
# Time, memory, too many queries or parts, disk full: the same call may succeed later.
_BUSY = frozenset({159, 160, 202, 209, 210, 241, 243, 252, 439})
# A full disk is met first by whatever writes first: the client's temporary file, a part, a mutation.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_SIGNS = ("No space left on device", "NOT_ENOUGH_SPACE")
# Larger than any batch: one insert is one block and so one part, which is what makes it atomic.
_ONE_BLOCK_ROWS = 10_000_000

_WRITE_SETTINGS: dict[str, Any] = {
    "async_insert": 0,  # the engine's default is 1 since 26: acknowledged before it is written
    "mutations_sync": 2,
    "max_insert_block_size": _ONE_BLOCK_ROWS,
    "min_insert_block_size_rows": _ONE_BLOCK_ROWS,
    "min_insert_block_size_bytes": 0,
}


class EngineError(AyumiError):
    """The engine refused a statement. `code` and `name` are ClickHouse's; the text of data errors is left out."""

    def __init__(self, code: int | None, name: str | None, detail: str) -> None:
        super().__init__(f"engine error {code} {name or ''}{': ' + detail if detail else ''}".strip())
        self.code = code
        self.name = name


class Engine:
    """One database of one ClickHouse. Thread-safe: reads take one of the read handles, writes take turns."""

    def __init__(self, source: Source, database: str, limits: Limits) -> None:
        """Use `Engine.open`."""

        def connect(settings: Mapping[str, Any]) -> Client:
            return source.connect(database, settings)

        self._source = source
        self._readers = Handles(lambda: connect(limits.read_settings()), limits.readers, limits.query_seconds)
        self._writer = Handles(lambda: connect(_WRITE_SETTINGS), 1, None)
        self._mutator = Handles(lambda: connect(_WRITE_SETTINGS), 1, None)
        self._keeper = Handles(lambda: connect(limits.maintenance_settings()), 1, None)
        # Never used: an embedded engine stops when its last handle closes, and handles are closed after errors.
        self._anchor = Handles(lambda: connect({}), 1, None)
        self._types: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        self._closed = threading.Event()
        self._written: set[str] = set()

    @classmethod
    def open(cls, dsn: str, database: str, *, readers: int, max_memory_mb: int, query_seconds: float) -> Engine:
        """Open a DSN, `chdb:///folder` or `http(s)://…`, and make `database`.

        Raises `StopError` with what to do, or `RetryError`.
        """
        if not _IDENTIFIER.fullmatch(database) or database == "default":
            msg = f"{database!r} cannot be a database name"
            raise StopError(msg, remedy="Use lower-case letters, digits and _, not default.")
        limits = Limits(readers=readers, max_memory_mb=max_memory_mb, query_seconds=query_seconds)
        source = source_of(dsn, max_memory_mb, query_seconds)
        try:
            with _errors(source.name):
                source.prepare(database)
                engine = cls(source, database, limits)
                engine._anchor.warm()
        except BaseException:
            source.release()
            raise
        return engine

    def query(
        self,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        as_bytes: Sequence[str] = (),
        maintenance: bool = False,
    ) -> list[tuple[Any, ...]]:
        """The rows of one SELECT template, bounded in time and memory.

        Columns named in `as_bytes` come as bytes instead of text. `maintenance` reads share one handle that has no time
        limit and spills to disk: rebuilds and checks, never a request.
        """
        given = dict(params or {})
        check_template(sql, given, "query")
        formats: dict[str, Any] = dict.fromkeys(as_bytes, "bytes")
        with _errors("the store"), (self._keeper if maintenance else self._readers).borrow() as handle:
            result = handle.query(sql, parameters=given or None, column_formats=formats or None)
            return [tuple(row) for row in result.result_rows]

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write `rows` as one block, so one part, synced to disk before it returns. Times are integers.

        Raises `RetryError` when it is not known whether the rows were written: read the offsets back and try again.
        """
        if rows:
            self.insert_columns(table, columns, list(zip(*rows, strict=True)))

    def insert_columns(self, table: str, columns: Sequence[str], values: Sequence[Sequence[Any]]) -> None:
        """`insert` for rows that lie by column: the values of each, of one length and at least one."""
        for name in (table, *columns):
            if not _IDENTIFIER.fullmatch(name):
                raise EngineError(None, "NOT_A_NAME", name)
        self._insert(table, columns, block(columns, self._wire_types(table, columns), values), "Native")

    def insert_avro(self, table: str, columns: Sequence[str], data: bytes) -> None:
        """Write the records of an Avro object container file, whose fields are `columns`, as `insert` does."""
        for name in (table, *columns):
            if not _IDENTIFIER.fullmatch(name):
                raise EngineError(None, "NOT_A_NAME", name)
        self._insert(table, columns, (data,), "Avro")

    @property
    def is_embedded(self) -> bool:
        """Whether the store is in this process, and so nobody else's."""
        return self._source.is_embedded

    def freeze(self, name: str, tables: Sequence[str], meanwhile: Callable[[], None]) -> None:
        """Link what `tables` hold now, one after another, below `shadow/<name>`; then do `meanwhile`.

        This engine's own writes wait for all of it.
        """
        with _errors("the store"), self._mutator.borrow(), self._writer.borrow() as handle:
            for table in tables:
                sql = f"ALTER TABLE {table} FREEZE WITH NAME '{name}'"
                check_template(sql, (), "command")
                handle.command(sql)
            meanwhile()

    def is_unchanged(self, table: str) -> bool:
        """Whether nothing was inserted into `table` since this engine was opened; False where others may do so."""
        return self._source.is_embedded and table not in self._written

    def _insert(self, table: str, columns: Sequence[str], data: Sequence[bytes], form: str) -> None:
        self._written.add(table)
        with _errors("the store"), self._writer.borrow() as handle:
            # A generator, since a body that the client can send again it repeats when the connection drops: twice in.
            handle.raw_insert(table, list(columns), (part for part in data), fmt=form)

    def command(self, sql: str, params: Mapping[str, Any] | None = None, *, beside: bool = False) -> None:
        """Run one template that changes the store; an ALTER returns when it is done.

        `beside`: inserts go on meanwhile, which a rewrite of many parts would hold up for seconds.
        """
        given = dict(params or {})
        check_template(sql, given, "command")
        with _errors("the store"), (self._mutator if beside else self._writer).borrow() as handle:
            handle.command(sql, parameters=given or None)
        self._types.clear()

    def close(self) -> None:
        """Close every handle, waiting for calls under way; the engine's memory and locks are gone afterwards."""
        if self._closed.is_set():
            return
        self._closed.set()
        for handles in (self._readers, self._writer, self._mutator, self._keeper, self._anchor):
            handles.close()
        self._source.release()

    def _wire_types(self, table: str, columns: Sequence[str]) -> list[str]:
        key = (table, tuple(columns))
        known = self._types.get(key)
        if known is None:
            sql = "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}"
            types = dict(self.query(sql, {"table": table}))
            missing = [name for name in columns if name not in types]
            if missing:
                raise EngineError(None, "NO_SUCH_COLUMN", f"{table}: {', '.join(missing)}")
            known = self._types[key] = [types[name] for name in columns]
        return known


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a read may take."""

    readers: int
    max_memory_mb: int
    query_seconds: float

    def read_settings(self) -> dict[str, Any]:
        """Of a read handle: it can change neither data nor its own limits."""
        return {
            "max_execution_time": self.query_seconds,
            "max_memory_usage": self.max_memory_mb * _MIB // 2,
            "max_result_rows": 2_000_000,
            # The default looks a statement up by its id only in tables of a million rows.
            "min_table_rows_to_use_projection_index": 0,
            "readonly": 2,
        }

    def maintenance_settings(self) -> dict[str, Any]:
        """Of the maintenance handle: no time limit, little memory, the rest on disk."""
        half = self.max_memory_mb * _MIB // 2
        return {
            "max_memory_usage": half,
            "max_bytes_before_external_group_by": half // 2,
            "max_bytes_before_external_sort": half // 2,
            "max_threads": 1,
            "readonly": 2,
        }


@contextmanager
def _errors(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise RetryError(what, "no space left on its disk") from error
    except ClientError as error:
        code, name = getattr(error, "code", None), getattr(error, "name", None)
        if isinstance(error, (ProgrammingError, DataError, NotSupportedError)):
            raise EngineError(code, type(error).__name__, "") from error
        if any(sign in str(error) for sign in _FULL_SIGNS):
            raise RetryError(what, "no space left on its disk") from None
        if code is None or code in _BUSY:
            raise RetryError(what, _first_line(error) if code is None else f"{name} ({code})") from error
        detail = _first_line(error) if code in _MISTAKES else ""
        # The chain is cut for data errors: their text quotes the data.
        raise EngineError(code, name, detail) from (error if detail else None)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def archive_engine(settings: Settings, folder: ZoneFolder) -> Engine:
    """The engine of the archive: embedded in the zone folder unless the settings name a server."""
    return _store_engine(
        settings, "archive", settings.store.archive_dsn.get_secret_value() or f"chdb://{folder.archive.resolve()}"
    )


def facts_engine(settings: Settings, folder: ZoneFolder) -> Engine:
    """The engine of the facts: embedded in the zone folder unless the settings name a server."""
    return _store_engine(
        settings, "facts", settings.store.facts_dsn.get_secret_value() or f"chdb://{folder.facts.resolve()}"
    )


def _store_engine(settings: Settings, store: str, dsn: str) -> Engine:
    database = f"{settings.zone.name.replace('-', '_')}_{store}"
    limits = settings.store
    return Engine.open(
        dsn, database, readers=limits.readers, max_memory_mb=limits.max_memory_mb, query_seconds=limits.query_seconds
    )
