"""The id index: for each statement id where it was first taken and what it said; id authority in microseconds.

A cache of the archive that survives kill -9. Whatever it lacks, or all of it, is read back from the archive.
"""

from __future__ import annotations

import shutil
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rocksdict import AccessType, BlockBasedOptions, Cache, DBCompressionType, Options, Rdict, WriteBatch

from lrs.kernel.errors import AyumiError, RetryError, StopError
from lrs.kernel.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_ENTRY = struct.Struct("<HQ16s")
_MARK = struct.Struct("<cH")  # key of a partition's high-water: 3 bytes, so never an id
_HIGH = struct.Struct("<q")
_DAMAGED = "damaged"
_WRITE_BUFFER_BYTES = 16 << 20  # four times as much is no faster, and the process swells and shrinks by it
# Blocks come in by the one look-up in a thousand that a filter misjudges: a larger one only takes longer to fill.
_CACHE_BYTES = 8 << 20
_CATCH_UP_ENTRIES = 10_000

_log = get_logger(__name__)


class IdEntry(NamedTuple):
    """Where the first statement with an id lies in `received`, and the digest of its content."""

    partition: int
    offset: int
    digest: bytes


class ArchivedIds(Protocol):
    """What the index is rebuilt from: the archive."""

    def high_water(self, partition: int) -> int:
        """The last archived offset of the partition; -1 when none."""
        ...

    def index_entries(self, partition: int, after_offset: int) -> Iterator[tuple[bytes, int, bytes]]:
        """(id, offset, digest) behind an offset, in offset order."""
        ...


class IdIndexError(AyumiError):
    """The index cannot be used any more in this process. No person has to act: the next start puts it right.

    So it is no `StopError`: after one that comes before a part is ready, a supervisor gives up.
    """


class IdIndex:
    """One RocksDB. One thread writes, any thread reads."""

    def __init__(self, database: Rdict, folder: Path) -> None:
        """Use `IdIndex.open`."""
        self._database = database
        self._folder = folder
        self._writing = threading.Lock()

    @classmethod
    def open(cls, folder: Path) -> IdIndex:
        """Open or make the index in `folder`. One that is damaged is thrown away: `catch_up` then fills it anew.

        Raises `StopError` when another process has it open, `RetryError` while its disk is full.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / _DAMAGED).exists():
            _throw_away(folder, "marked")
        try:
            return cls(_database(folder), folder)
        except Exception as error:
            if "/LOCK:" in str(error):  # not just the word: a damaged "block" says so too
                msg = f"the id index {folder} is open in another process"
                raise StopError(msg, remedy="End that process first.") from error
            if _is_full(error):
                raise RetryError("the id index", "no space left on its disk") from error
            _throw_away(folder, type(error).__name__)
        return cls(_database(folder), folder)

    def get_many(self, ids: Sequence[bytes]) -> list[IdEntry | None]:
        """The entry of each 16-byte id, in order; None for an id never taken."""
        found = self._get(list(ids))
        unpack, make = _ENTRY.unpack, IdEntry._make
        return [None if value is None else make(unpack(value)) for value in found]

    def put_many(self, entries: Iterable[tuple[bytes, IdEntry]]) -> None:
        """Write all entries and the partitions' high-waters at once: after a kill, all are there or none."""
        batch = WriteBatch(raw_mode=True)
        pack = _ENTRY.pack
        highs: dict[int, int] = {}
        for statement_id, entry in entries:
            partition, offset, digest = entry
            batch.put(statement_id, pack(partition, offset, digest))
            if offset > highs.get(partition, -1):
                highs[partition] = offset
        if not highs:
            return
        with self._writing:
            for partition, high in highs.items():
                batch.put(_MARK.pack(b"p", partition), _HIGH.pack(max(high, self.high_water(partition))))
            self._write(batch)

    def high_water(self, partition: int) -> int:
        """The highest offset of the partition that the index has an entry for; -1 when none."""
        [value] = self._get([_MARK.pack(b"p", partition)])
        return -1 if value is None else int(_HIGH.unpack(value)[0])

    def catch_up(self, archive: ArchivedIds, partition: int) -> int:
        """Fill in what the archive has and the index lacks; return how many entries that were.

        On start and on assignment, before the first batch of the partition. An index that knows a partition of which
        the archive knows nothing belongs to another archive, or is one batch ahead of it: those entries go.
        """
        high = self.high_water(partition)
        if high >= 0 and archive.high_water(partition) < 0:
            self._forget(partition)
            high = -1
        filled = 0
        pending: list[tuple[bytes, IdEntry]] = []
        for statement_id, offset, digest in archive.index_entries(partition, high):
            pending.append((statement_id, IdEntry(partition, offset, digest)))
            if len(pending) >= _CATCH_UP_ENTRIES:
                self.put_many(pending)
                filled += len(pending)
                pending = []
        self.put_many(pending)
        return filled + len(pending)

    def close(self) -> None:
        """Write what is in memory and let go of the files."""
        self._database.close()

    def _get(self, keys: list[bytes]) -> list[bytes | None]:
        try:
            found: list[bytes | None] = self._database.get(keys)  # type: ignore[arg-type, assignment]
        except Exception as error:
            raise self._broken(error) from error
        return found

    def _write(self, batch: WriteBatch) -> None:
        try:
            self._database.write(batch)
        except Exception as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> IdIndexError:
        if _is_full(error):
            return IdIndexError(
                "the id index could not be written: no space left on its disk. It goes on after a restart"
            )
        with suppress(OSError):
            (self._folder / _DAMAGED).touch()
        problem = f"the id index is damaged: {str(error)[:200]}"
        return IdIndexError(f"{problem}. Restart: it is then rebuilt from the archive.")

    def _forget(self, partition: int) -> None:
        batch = WriteBatch(raw_mode=True)
        batch.delete(_MARK.pack(b"p", partition))
        for key, value in self._database.items():
            if isinstance(key, bytes) and len(key) == 16 and _ENTRY.unpack(value)[0] == partition:
                batch.delete(key)
        self._write(batch)


def _database(folder: Path) -> Rdict:
    options = Options(raw_mode=True)
    options.create_if_missing(True)  # noqa: FBT003 - the library's signature
    options.set_write_buffer_size(_WRITE_BUFFER_BYTES)
    # Most looked-up ids are new. Filters answer nearly all of those without a block; in the memory table as well, where
    # a look-up without one costs three times the rest.
    options.set_memtable_prefix_bloom_ratio(0.1)
    options.set_memtable_whole_key_filtering(True)
    options.set_compression_type(DBCompressionType.none())  # ids and digests are random
    table = BlockBasedOptions()
    table.set_bloom_filter(15, False)  # noqa: FBT003
    table.set_block_cache(Cache(_CACHE_BYTES))
    options.set_block_based_table_factory(table)
    return Rdict(str(folder / "index"), options=options, access_type=AccessType.read_write())


def _is_full(error: Exception) -> bool:
    # Nothing is damaged, and building it anew would take minutes. The database itself refuses every later write.
    return "no space left" in str(error).lower()


def _throw_away(folder: Path, why: str) -> None:
    _log.warning("id_index_discarded", why=why)
    shutil.rmtree(folder / "index", ignore_errors=True)
    (folder / _DAMAGED).unlink(missing_ok=True)
