"""Where handles come from: an engine in this process (`chdb:///folder`) or a server (`http(s)://…`)."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, urlparse

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ProgrammingError

from lrs.kernel.errors import StopError
from lrs.store.handles import discard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clickhouse_connect.driver.client import Client

_MIB = 1 << 20
_CREATE = "CREATE DATABASE IF NOT EXISTS {database:Identifier}"
_CONNECT_SECONDS = 10


class Source(Protocol):
    """Makes handles of one store."""

    name: str
    is_embedded: bool
    """Whether the store is in this process, and so nobody else's."""

    def prepare(self, database: str) -> None:
        """Make the database, if it is not there."""
        ...

    def connect(self, database: str, settings: Mapping[str, Any]) -> Client:
        """A handle that works in `database` under engine `settings`."""
        ...

    def release(self) -> None:
        """Give back what `source` took, after every handle is closed."""
        ...


def source_of(dsn: str, max_memory_mb: int, query_seconds: float) -> Source:
    """What `dsn` names. An embedded engine takes the process's TMPDIR and time zone (UTC). Raises `StopError`."""
    parsed = urlparse(dsn)
    if parsed.scheme in ("http", "https"):
        return _Remote(dsn, query_seconds)
    if parsed.scheme != "chdb":
        msg = f"a store's DSN cannot start with {parsed.scheme!r}"
        raise StopError(msg, remedy="Write chdb:///folder, http:// or https://.")
    if parsed.netloc or not parsed.path.strip("/"):
        msg = "the store's DSN names no folder"
        raise StopError(msg, remedy="Write chdb:///absolute/folder.")
    return _Embedded(Path(parsed.path), max_memory_mb)


class _PrivateInserts:
    """Where blocks pass through on their way into the embedded engine: a folder in the store that only its owner reads.

    The client hands a block over through a temporary file of plain rows, and kill -9 leaves it behind. So the folder is
    emptied at start, and is the process's temporary folder for as long as an embedded engine is open.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._takers = 0
        self._before: str | None = None

    def take(self, folder: Path) -> None:
        """One more engine is open in `folder`."""
        with self._lock:
            if not self._takers:
                inserts = folder / "inserts"
                shutil.rmtree(inserts, ignore_errors=True)
                inserts.mkdir(mode=0o700, parents=True)
                self._before, tempfile.tempdir = tempfile.tempdir, str(inserts)
            self._takers += 1

    def give_back(self) -> None:
        """One engine is closed; after the last the process has its own temporary folder again."""
        with self._lock:
            self._takers -= 1
            if not self._takers:
                tempfile.tempdir = self._before


# One process owns one embedded store, so one is enough.
_INSERTS = _PrivateInserts()


class _Embedded:
    name = "the embedded engine"
    is_embedded = True

    def __init__(self, folder: Path, max_memory_mb: int) -> None:
        self._dsn = f"chdb://{folder}"
        self._options = {"max_server_memory_usage": max_memory_mb * _MIB}
        _INSERTS.take(folder)
        # The engine reads its time zone from the process when it starts, and times would be off by that much.
        os.environ["TZ"] = "UTC"
        time.tzset()

    def prepare(self, database: str) -> None:
        anchor = self._client(None, {})
        try:
            anchor.command(_CREATE, parameters={"database": database})
        finally:
            discard(anchor)

    def connect(self, database: str, settings: Mapping[str, Any]) -> Client:
        return self._client(database, settings)

    def release(self) -> None:
        _INSERTS.give_back()

    def _client(self, database: str | None, settings: Mapping[str, Any]) -> Client:
        try:
            return clickhouse_connect.get_client(
                dsn=self._dsn, database=database, settings=dict(settings), chdb_options=self._options
            )
        except ProgrammingError as error:
            if "chdb engine" not in str(error):
                raise
            msg = f"the store in {self._dsn} cannot be opened: {str(error).splitlines()[0][:300]}"
            raise StopError(
                msg,
                remedy="Another process may have it open (one process owns an embedded store), or its files are bad.",
            ) from error


class _Remote:
    name = "the ClickHouse server"
    is_embedded = False

    def __init__(self, dsn: str, query_seconds: float) -> None:
        self._dsn = dsn
        self._options: dict[str, Any] = {
            # One session would make parallel queries of a handle fail.
            "autogenerate_session_id": False,
            "connect_timeout": _CONNECT_SECONDS,
            "send_receive_timeout": int(query_seconds) + 300,
        }
        if "compress" not in parse_qs(urlparse(dsn).query):
            self._options["compress"] = False  # costs 5 ms a batch; a DSN for a distant server says ?compress=lz4

    def prepare(self, database: str) -> None:
        handle = clickhouse_connect.get_client(dsn=self._dsn, database="system", **self._options)
        try:
            handle.command(_CREATE, parameters={"database": database})
        finally:
            discard(handle)

    def connect(self, database: str, settings: Mapping[str, Any]) -> Client:
        return clickhouse_connect.get_client(dsn=self._dsn, database=database, settings=dict(settings), **self._options)

    def release(self) -> None:
        """Nothing was taken."""
