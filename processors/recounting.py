"""Counts anew what every record of the log became, from the log itself and what the stores say that they hold. Pure.

Where a hop's own account may be wrong, this is the second opinion: it decides each record again by the same rules, and
names by its offset whatever did not come through.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from lrs.kernel.activity_records import read_activity_record
from lrs.kernel.codec import ContractError, codec
from lrs.kernel.topics import Noun
from lrs.kernel.withheld_records import read_withheld_record
from lrs.store.accounting import Gap
from lrs.store.holdings import LETTERS, LOADER, PROCESSOR, RECORDER
from processors.envelopes import read_envelope
from processors.offset_set import OffsetSet, Range, ranges
from processors.settling import Refuse, Rules, read_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrs.kernel.records import Refused
    from lrs.store.tallies import Cell
    from processors.settling import LogRecord

_HOUR_MS = 3_600_000
_LATEST_MS = 4_102_444_800_000
_APP_LENGTH = 128

LOST = "received, and neither archived nor refused nor a duplicate"
NO_LETTER = "refused, and no dead letter was written"
WAITING = "received, and not settled yet"
NOT_KEPT = "refused, and its dead letter was not kept"
NOT_KEPT_YET = "refused, and its dead letter is not kept yet"
NO_SLICE = "archived, and in no slice of accepted"
NOT_PASSED = "archived, and neither published nor withheld"
NOT_LOADED = "published, and not in the facts"

Place = tuple[int, str]
"""Hour of `stored` in Unix seconds, and app."""
UNKNOWN: Place = (0, "")
"""Of a statement that neither the archive nor the log has any more."""


class Suspect(NamedTuple):
    """A valid record that is neither archived nor refused: a duplicate, if its id is archived, or else lost."""

    offset: int
    place: Place
    statement_id: bytes
    digest: bytes


class Findings:
    """Offsets of one partition that did not come through, by hop and meaning, hour and app."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._offsets: dict[tuple[str, str, Place], OffsetSet] = defaultdict(OffsetSet)

    def add(self, hop: str, meaning: str, place: Place, offset: int) -> None:
        """One more."""
        self._offsets[hop, meaning, place].add(offset)

    def gaps(self) -> list[Gap]:
        """One for each hop, meaning, hour and app, oldest first."""
        keys = sorted(self._offsets, key=lambda key: (key[2], key[0], key[1]))
        return [self._gap(*key, self._offsets[key]) for key in keys]

    def count(self, hop: str, place: Place) -> int:
        """How many there are."""
        return sum(len(offsets) for (at, _, where), offsets in self._offsets.items() if (at, where) == (hop, place))

    def _gap(self, hop: str, meaning: str, place: Place, offsets: OffsetSet) -> Gap:
        where = tuple(ranges(offsets))
        hour, app = place
        count = len(offsets)
        waits = meaning in {WAITING, NOT_KEPT_YET}
        return Gap(hop, self._partition, count, 0, meaning, app, hour, where, exact=True, waiting=waits)


class Sums:
    """How many records each hour and app has, and between which offsets."""

    def __init__(self) -> None:
        self.counts: Counter[Place] = Counter()
        self._spans: dict[Place, Range] = {}

    def add(self, place: Place, offset: int) -> None:
        """One more."""
        self.counts[place] += 1
        first, last = self._spans.get(place, (offset, offset))
        self._spans[place] = min(first, offset), max(last, offset)

    def compare(self, cells: Iterable[Cell], found: Findings, hop: str, partition: int, since: int) -> list[Gap]:
        """Where a hop's own account of `cells` says otherwise, from the hour `since` on, unless `found` explains it."""
        told: Counter[Place] = Counter()
        spans = dict(self._spans)
        for cell in cells:
            place = cell.hour, cell.app
            told[place] += cell.count
            first, last = spans.get(place, (cell.first_offset, cell.last_offset))
            spans[place] = min(first, cell.first_offset), max(last, cell.last_offset)
        meaning = f"on the log, and counted by the {hop}"
        return [
            Gap(hop, partition, self.counts[place], told[place], meaning, place[1], place[0], (spans[place],))
            for place in sorted({*told, *self.counts})
            if place[0] >= since
            and self.counts[place] != told[place]
            and self.counts[place] - told[place] != found.count(hop, place)
        ]


class ReceivedRecount:
    """One partition of `received`, record by record."""

    def __init__(self, rules: Rules, found: Findings, *, archived: OffsetSet, refused: OffsetSet, end: int) -> None:
        """`archived` and `refused`: what the archive and the dead letters hold; `end`: how far the recorder came."""
        self._rules = rules
        self._found = found
        self._archived = archived
        self._refused = refused
        self._end = end
        self.sums = Sums()

    def take(self, record: LogRecord) -> Suspect | None:
        """Count one; a `Suspect` has to be looked up in the archive, for `settle`."""
        place = place_of(record)
        if record.offset >= self._end:
            self._found.add(RECORDER, WAITING, place, record.offset)
            return None
        self.sums.add(place, record.offset)
        if record.offset in self._archived or record.offset in self._refused:
            return None
        candidate = read_record(record, self._rules)
        if isinstance(candidate, Refuse):
            self._found.add(RECORDER, NO_LETTER, place, record.offset)
            return None
        return Suspect(record.offset, place, candidate.statement_id, candidate.statement.digest)

    def settle(self, suspect: Suspect, first: tuple[int, bytes] | None) -> None:
        """`first`: offset and digest of the archived statement with this id; its own offset: archived meanwhile."""
        if first is None or first[0] > suspect.offset:
            self._found.add(RECORDER, LOST, suspect.place, suspect.offset)
        elif first[1] != suspect.digest:
            self._found.add(RECORDER, NO_LETTER, suspect.place, suspect.offset)


class ActivityRecount:
    """One partition of `activity`: which source offsets came through it. A record that came twice counts once."""

    def __init__(self, end: int) -> None:
        """`end`: how far the loader came."""
        self._end = end
        self.published = OffsetSet()
        self.withheld = OffsetSet()
        self.first: int | None = None
        self.sums = Sums()

    def take(self, value: bytes) -> None:
        """Count one. Raises `ContractError` for what is none of ours."""
        if codec("activity").knows(value):
            record = read_activity_record(value)
            offset, app, stored_at_ms, to = record.offset, record.app, record.stored_at_ms, self.published
        else:
            withheld = read_withheld_record(value)
            offset, app, stored_at_ms, to = withheld["offset"], withheld["app"], withheld["stored_at_ms"], self.withheld
        self.first = offset if self.first is None else min(self.first, offset)
        if to.add(offset) and offset < self._end:
            self.sums.add((stored_at_ms // _HOUR_MS * 3600, app), offset)


def accepted_offsets(value: bytes) -> list[int]:
    """The source offsets in one slice; none where it cannot be read."""
    try:
        return [statement["offset"] for statement in codec("accepted").decode(value)["statements"]]
    except ContractError:
        return []


def refused_offset(value: bytes) -> int | None:
    """The source offset of a dead letter of `received`; None for any other.

    The letters of `accepted` have offsets of that topic: their statements are archived, and counted there.
    """
    letter = _letter(value)
    return None if letter is None else letter["offset"]


def _letter(value: bytes) -> Refused | None:
    try:
        letter: Refused = codec("refused").decode(value)
    except ContractError:
        return None
    return letter if letter["source"] == Noun.RECEIVED else None


def place_of(record: LogRecord) -> Place:
    """Hour and app under which the recorder counts a record, whatever it becomes."""
    try:
        envelope = read_envelope(record.value or b"")
    except ContractError:
        return record.timestamp // _HOUR_MS * 3600, ""
    return _place(envelope.app, envelope.stored_at_ms, record.timestamp)


def _place(app: str, stored_at_ms: int | None, appended_at_ms: int) -> Place:
    stored = appended_at_ms if stored_at_ms is None else stored_at_ms
    stored = stored if 0 <= stored < _LATEST_MS else appended_at_ms
    return stored // _HOUR_MS * 3600, app[:_APP_LENGTH]


class LettersRecount:
    """Letters of one partition of `refused` that the table does not hold: which offsets of `received` they are of."""

    def __init__(self, found: Findings, missing: OffsetSet, position: int) -> None:
        """`position`: the offset of `refused` before which everything was kept."""
        self._found = found
        self._missing = missing
        self._position = position
        self._told = OffsetSet()

    def take(self, record: LogRecord) -> None:
        """Name it if it is missing. A letter that was sent twice is named once."""
        letter = _letter(record.value or b"")
        if letter is not None and letter["offset"] in self._missing and self._told.add(letter["offset"]):
            meaning = NOT_KEPT if record.offset < self._position else NOT_KEPT_YET
            place = _place(letter["app"], letter["stored_at_ms"], record.timestamp)
            self._found.add(LETTERS, meaning, place, letter["offset"])


def not_passed(found: Findings, offset: int, place: Place, *, accepted: bool) -> None:
    """An archived statement that the activity topic does not know: left out of `accepted`, or behind it."""
    hop, meaning = (PROCESSOR, NOT_PASSED) if accepted else (RECORDER, NO_SLICE)
    found.add(hop, meaning, place, offset)


def not_loaded(found: Findings, offset: int, place: Place) -> None:
    """A published activity that the facts do not hold."""
    found.add(LOADER, NOT_LOADED, place, offset)
