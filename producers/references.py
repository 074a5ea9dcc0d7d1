"""Loads the reference files (catalogue, roster, consent) into their compacted topics: good rows in, bad rows reported.

A file is CSV with a header row, UTF-8 with or without a byte order mark. Shift_JIS, Excel's other way to save Japanese
CSV, is refused and not guessed: a wrong guess gives other names, and a name is part of who a learner is.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from lrs.kernel.codec import ContractError, codec
from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.kernel.topics import Noun, topic_name
from producers.compacted_topic import CompactedTopic
from producers.reference_rows import CATALOGUE, CONSENT, ROSTER, Known, SupersededError, Table

if TYPE_CHECKING:
    from pathlib import Path

    from lrs.kernel.settings import BrokerSettings

Progress = Callable[[int], None]
"""Told how many bytes of the file have been read so far."""

_BATCH_ROWS = 2_000
# A quote that is never closed makes one field of the rest of the file.
_LONGEST_FIELD = 65_536
# Around a cell it means nothing. Other spaces belong to a name, and control characters are refused, not taken away.
_PADDING = " \t"


class RowRefusal(NamedTuple):
    """A row that was not loaded. `column` is empty when it is the row as a whole."""

    line: int
    column: str
    rule: str


class RowNotice(NamedTuple):
    """A row that was read, and what the file's owner may want to know about it."""

    line: int
    text: str


@dataclass(slots=True)
class LoadReport:
    """What became of a file: rows on the topic, rows refused, and rows worth a look."""

    loaded: int = 0
    refused: list[RowRefusal] = field(default_factory=list)
    notices: list[RowNotice] = field(default_factory=list)


async def load_catalogue(path: Path, broker: BrokerSettings, zone: str, progress: Progress | None = None) -> LoadReport:
    """Load what activities are about. Raises `RefusedError` if it is no such file, `RetryError` without a broker."""
    return await _load(CATALOGUE, path, broker, zone, progress)


async def load_roster(path: Path, broker: BrokerSettings, zone: str, progress: Progress | None = None) -> LoadReport:
    """Load where learners are at school. Without a `salt`, a learner keeps the one on the topic or gets a new one.

    Raises as `load_catalogue`. Two loads at once could give one new learner two salts: the later one counts.
    """
    return await _load(ROSTER, path, broker, zone, progress)


async def load_consent(path: Path, broker: BrokerSettings, zone: str, progress: Progress | None = None) -> LoadReport:
    """Load decisions. The latest by `decided_at` counts, also against the topic. Raises as `load_catalogue`."""
    return await _load(CONSENT, path, broker, zone, progress)


async def _load(table: Table, path: Path, broker: BrokerSettings, zone: str, progress: Progress | None) -> LoadReport:
    report = LoadReport()
    async with CompactedTopic(broker, topic_name(zone, table.noun)) as topic:
        known = await _known(table, topic)
        batch: list[tuple[bytes, bytes]] = []
        for key, value in _records(table, path, known, report, progress or _no_progress):
            batch.append((key, value))
            if len(batch) >= _BATCH_ROWS:
                await topic.write(batch)
                report.loaded += len(batch)
                batch = []
        await topic.write(batch)
        report.loaded += len(batch)
    return report


async def _known(table: Table, topic: CompactedTopic) -> Known:
    known = Known()
    if table.noun is Noun.CATALOGUE:
        return known
    async for key, value in topic.read():
        known.salts.pop(key, None)
        known.decided_ms.pop(key, None)
        if value is None:
            continue
        try:
            record = codec(table.noun.value).decode(value)
        except ContractError:
            continue  # the processor's views count it; a good row may overwrite it
        if table.noun is Noun.ROSTER:
            known.salts[key] = record["salt"]
        else:
            known.decided_ms[key] = record["decided_at_ms"]
    return known


def _records(
    table: Table, path: Path, known: Known, report: LoadReport, progress: Progress
) -> Iterator[tuple[bytes, bytes]]:
    lines: dict[bytes, int] = {}
    for line, row in _rows(table, path, report, progress):
        try:
            key, record = table.read(row, known)
        except RefusedError as error:
            report.refused.append(RowRefusal(line, error.path, error.rule))
        except SupersededError:
            report.notices.append(RowNotice(line, "a later decision is already known; this row has no effect"))
        else:
            before = lines.get(key)
            if before is not None and table.noun is not Noun.CONSENT:  # decisions follow each other by nature
                report.notices.append(RowNotice(line, f"replaces line {before}, which has the same key"))
            lines[key] = line
            yield key, table.encode(record)


def _rows(table: Table, path: Path, report: LoadReport, progress: Progress) -> Iterator[tuple[int, dict[str, str]]]:
    _check_text(path)
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as source:
        reader = csv.reader(_counted(source, progress), strict=True)
        header: list[str] = []
        try:
            for cells in reader:
                if not header:
                    header = [name.strip() for name in cells]
                    _check_header(header, table)
                elif len(cells) == len(header):
                    yield reader.line_num, dict(zip(header, (cell.strip(_PADDING) for cell in cells), strict=True))
                elif any(cells):
                    rule = f"has {len(cells)} cells, the header has {len(header)}"
                    report.refused.append(RowRefusal(reader.line_num, "", rule))
        except csv.Error as error:
            rule = f"is not CSV, and nothing from here on was read: {error}"
            report.refused.append(RowRefusal(reader.line_num, "", rule))
        if not header:
            _check_header(header, table)


def _check_text(path: Path) -> None:
    """Refuse a file in another encoding as a whole, before any of its rows is loaded."""
    with path.open("rb") as source:
        for number, line in enumerate(source, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                _refuse(number, "is not UTF-8; in Excel save the file as “CSV UTF-8”")
            if b"\x00" in line:
                _refuse(number, "holds a null character: this is not a text file")


def _counted(source: Iterable[str], progress: Progress) -> Iterator[str]:
    read = 0
    for number, line in enumerate(source, 1):
        read += len(line.encode())
        if number % _BATCH_ROWS == 0:
            progress(read)
        yield line
    progress(read)


def _check_header(header: list[str], table: Table) -> None:
    allowed = (*table.columns, *table.optional)
    problems = [f"column {name!r} is missing" for name in table.columns if name not in header]
    problems += [f"column {name[:40]!r} is not known" for name in header if name not in allowed]
    problems += [f"column {name!r} is there twice" for name in allowed if header.count(name) > 1]
    if problems:
        _refuse(1, f"{'; '.join(problems)}. A {table.noun.value} file has the columns {','.join(allowed)}")


def _refuse(line: int, rule: str) -> NoReturn:
    raise RefusedError(Refusal.INVALID, rule, path=f"line {line}")


def _no_progress(_: int) -> None:
    return
