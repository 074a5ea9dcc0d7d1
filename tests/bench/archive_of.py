"""An archive of any number of statements, made inside the engine: what the reading benchmarks ask.

`python -m tests.bench.archive_of FOLDER COUNT`: fills the archive of the zone in FOLDER, tells how far it is on
standard error, and prints the seconds taken. Each statement is a valid one of 0.8 kB with the relations that the
recorder would give it; one in ten is another app's, one in a thousand comments on an older one, as many void one. A
statement's number decides all of it, so that whoever knows the number knows what to ask for.
"""

from __future__ import annotations

import sys
import time
import uuid
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

from lrs.cli.settings_loading import load_settings
from lrs.kernel.statements.relations import Kind
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.engine import Engine, archive_engine
from lrs.store.migrate import migrate

APP, OTHER_APP = "bench", "neighbour"
HOME_PAGE = "https://board.example.jp"
ITEM = "https://drill.example.jp/items/"
BOOK = "https://drill.example.jp/books/"
VERB = "http://adlnet.gov/expapi/verbs/"
TEACHER = "mailto:t"
DOMAIN = "@board.example.jp"
PER_LEARNER, PER_SITTING = 250, 20
ITEMS, BOOKS, VERBS, CLASS = 7400, 74, 8, 30
RARE, RETIRED, PRIVATE = "mastered", "retired", "private"
"""Verbs of: 200 of the oldest hundredth; a sixteenth, all in the older half; the other app alone."""
NEVER = (f"{VERB}2", f"{BOOK}0")
"""A common verb and a common activity that no statement has both of."""
FIRST_MS, STEP_MS = 1_767_225_600_000, 400
# Who refers to a statement comes so much later. A prime: apps do not fall in with learners. In 65,536ths: which do.
_LAG = 997
_VOIDED, _REFERRED_TO = 66, 132
_PART_ROWS = 500_000
_QUIET_SECONDS = 5
# Beyond those of any log, so that the recorder does not take these statements for its own.
_PARTITION = 60_000

# Every piece of JSON is a parameter: the engine is given no text of ours inside a statement.
_PIECES = {
    "id": '{"id":"',
    "actor": '","actor":{"objectType":"Agent","account":{"homePage":"https://board.example.jp","name":"',
    "verb": '"}},"verb":{"id":"http://adlnet.gov/expapi/verbs/',
    "display": '","display":{"ja":"解答した","en":"answered"}},"object":{"id":"https://drill.example.jp/items/',
    "definition": '","definition":{"type":"https://drill.example.jp/question","name":{"ja":"小数のわり算 ',
    "result": '"}}},"result":{"success":true,"score":{"scaled":0.',
    "duration": '},"duration":"PT',
    "context": 'S","response":"4.2"},"context":{"registration":"',
    "instructor": '","platform":"Drill 3.1","language":"ja","instructor":{"objectType":"Agent","mbox":"mailto:t',
    "book": '@board.example.jp"},"contextActivities":{"grouping":[{"id":"https://drill.example.jp/books/',
    "time": '","definition":{"name":{"ja":"小数のかけ算とわり算"}}}]}},"timestamp":"',
    "reference": '"},"object":{"objectType":"StatementRef","id":"',
    "reference_time": '"},"timestamp":"',
    "end": 'Z"}',
}
# What a number decides. `BenchArchive` says the same in Python.
_DECIDED = """
    MD5(toString(number)) AS id,
    MD5(toString(number - {lag:UInt64})) AS target,
    if(number < {lag:UInt64}, 65535, reinterpretAsUInt16(substring(target, 1, 2))) AS chance,
    chance < {referred:UInt16} AS is_reference,
    chance < {voided:UInt16} AS voids,
    if(number % {lag:UInt64} % 10 = 9, {other:String}, {app:String}) AS sender,
    fromUnixTimestamp64Milli(toInt64({first:Int64} + number * {step:Int64}), 'UTC') AS at,
"""
_REFER = f"""
INSERT INTO statement_references (
    target_id, statement_id, app, authority_key, stored_at, partition, offset, is_voiding
)
WITH {_DECIDED}
    substring(SHA256(''), 1, 7) AS none
SELECT target, id, sender, toFixedString(concat('u', none), 8), at, {{partition:UInt16}}, number, voids
FROM numbers({{start:UInt64}}, {{rows:UInt64}})
WHERE is_reference
"""  # noqa: S608 - constants
_FILL = f"""
INSERT INTO statements (
    partition, offset, statement_id, app, stored_at, timestamp_at, actor_key, verb_id, activity_id, registration,
    target_id, is_voiding, digest, head, raw, relations
)
WITH {_DECIDED}
    number * 7919 % {{learners:UInt64}} AS learner,
    reinterpretAsUInt16(substring(id, 3, 2)) % {{items:UInt64}} AS item,
    item % {{books:UInt64}} AS book,
    cityHash64(number) % {{verbs:UInt64}} AS draw,
    multiIf(
        voids, 'voided',
        is_reference, 'commented',
        number < {{rare_before:UInt64}} AND number % {{rare_each:UInt64}} = 0, {{rare:String}},
        draw = 0 AND number < {{half:UInt64}}, {{retired:String}},
        draw = 1 AND sender = {{other:String}}, {{private:String}},
        draw = 2 AND book = 0, '3',
        toString(draw)
    ) AS verb,
    intDiv(learner, {{class:UInt64}}) AS teacher,
    intDiv(number, {{learners:UInt64}} * {{per_sitting:UInt64}}) AS turn,
    MD5(concat(toString(learner), '-', toString(turn))) AS sitting,
    concat('account', char(31), {{home:String}}, char(31), toString(learner)) AS actor,
    concat({{verb_prefix:String}}, verb) AS verb_iri,
    concat({{item_prefix:String}}, toString(item)) AS item_iri,
    replaceOne(toString(at), ' ', 'T') AS written_at,
    concat({{id:String}}, UUIDNumToString(id), {{actor:String}}, toString(learner), {{verb:String}}, verb) AS beginning
SELECT
    {{partition:UInt16}}, number, id, sender, at, at, actor, verb_iri,
    if(is_reference, '', item_iri),
    if(is_reference, toFixedString('', 16), sitting),
    if(is_reference, target, toFixedString('', 16)),
    voids, id,
    concat(
        toString(toUnixTimestamp64Milli(at)), ',', toString({{partition:UInt16}}), ',', toString(number), ',',
        toString(toUInt8(voids)), ',1.0.3,', toString(length(sender)), ',', sender
    ),
    if(
        is_reference,
        concat(
            beginning, {{reference:String}}, UUIDNumToString(target), {{reference_time:String}}, written_at,
            {{end:String}}
        ),
        concat(
            beginning, {{display:String}}, toString(item), {{definition:String}}, toString(item), {{result:String}},
            toString(cityHash64(number, 2) % 1000), {{duration:String}}, toString(cityHash64(number, 3) % 900),
            {{context:String}}, UUIDNumToString(sitting), {{instructor:String}}, toString(teacher), {{book:String}},
            toString(book), {{time:String}}, written_at, {{end:String}}
        )
    ),
    arrayMap(
        (kind, value) -> toFixedString(concat(kind, substring(SHA256(value), 1, 7)), 8),
        if(is_reference, ['a', 'v', {{sender:String}}], ['a', 'o', 'r', 'A', 'O', 'v', {{sender:String}}]),
        if(
            is_reference,
            [actor, verb_iri, sender],
            [
                actor, item_iri, concat(sitting, ''), concat('mbox', char(31), {{teacher:String}}, toString(teacher),
                {{domain:String}}), concat({{book_prefix:String}}, toString(book)), verb_iri, sender
            ]
        )
    )
FROM numbers({{start:UInt64}}, {{rows:UInt64}})
SETTINGS max_insert_block_size = 131072, min_insert_block_size_rows = 131072, max_threads = 2, max_insert_threads = 1
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class BenchArchive:
    """What is in an archive of `count` statements."""

    count: int

    @property
    def learners(self) -> int:
        """How many there are, each with as many statements."""
        return max(1, self.count // PER_LEARNER)

    def learner(self, number: int) -> int:
        """Whose statement it is."""
        return number * 7919 % self.learners

    def sitting(self, number: int) -> uuid.UUID:
        """Its registration."""
        name = f"{self.learner(number)}-{number // (self.learners * PER_SITTING)}"
        return uuid.UUID(bytes=_md5(name))

    def is_plain(self, number: int) -> bool:
        """Whether `APP` finds it by its id and it is about an item."""
        is_reference = number >= _LAG and _chance(number - _LAG) < _REFERRED_TO
        return self.is_own(number) and not is_reference and not self.is_voided(number)

    def is_own(self, number: int) -> bool:
        """Whether it is of `APP`."""
        return number % _LAG % 10 != 9

    def is_voided(self, number: int) -> bool:
        """Whether `referring` voids it."""
        return number + _LAG < self.count and _chance(number) < _VOIDED

    def is_commented(self, number: int) -> bool:
        """Whether `referring` comments on it."""
        return number + _LAG < self.count and _VOIDED <= _chance(number) < _REFERRED_TO

    def referring(self, number: int) -> int:
        """The number of what refers to it, if anything does."""
        return number + _LAG


def statement_id(number: int) -> uuid.UUID:
    """The id of a statement."""
    return uuid.UUID(bytes=_md5(str(number)))


def item(number: int) -> int:
    """What it is about."""
    return int.from_bytes(_md5(str(number))[2:4], "little") % ITEMS


def _chance(number: int) -> int:
    return int.from_bytes(_md5(str(number))[:2], "little")


def _md5(text: str) -> bytes:
    return md5(text.encode(), usedforsecurity=False).digest()


def fill(engine: Engine, count: int) -> None:
    """Write `count` statements into an empty archive, each part's references before it, as the recorder does."""
    migrate(engine, "archive")
    decided: dict[str, Any] = {
        "lag": _LAG,
        "voided": _VOIDED,
        "referred": _REFERRED_TO,
        "app": APP,
        "other": OTHER_APP,
        "first": FIRST_MS,
        "step": STEP_MS,
        "partition": _PARTITION,
    }
    params: dict[str, Any] = {
        **_PIECES,
        **decided,
        "learners": BenchArchive(count).learners,
        "verbs": VERBS,
        "items": ITEMS,
        "books": BOOKS,
        "class": CLASS,
        "per_sitting": PER_SITTING,
        "home": HOME_PAGE,
        "verb_prefix": VERB,
        "item_prefix": ITEM,
        "book_prefix": BOOK,
        "teacher": TEACHER,
        "domain": DOMAIN,
        "sender": Kind.APP.decode(),
        "rare": RARE,
        "rare_before": count // 100,
        "rare_each": max(1, count // 20_000),
        "retired": RETIRED,
        "half": count // 2,
        "private": PRIVATE,
    }
    began = time.perf_counter()
    for start in range(0, count, _PART_ROWS):
        rows = min(_PART_ROWS, count - start)
        engine.command(_REFER.strip(), {**decided, "start": start, "rows": rows})
        engine.command(_FILL.strip(), {**params, "start": start, "rows": rows})
        _tell(f"{start + rows:,} of {count:,} statements made, {time.perf_counter() - began:.0f} s")


def settle(engine: Engine) -> None:
    """Wait until the engine has merged what it means to merge: until then it is busy with that."""
    quiet = 0
    while quiet < _QUIET_SECONDS:
        time.sleep(1)
        merging = engine.query("SELECT count() FROM system.merges")[0][0]
        quiet = 0 if merging else quiet + 1


def _tell(text: str) -> None:
    """On a terminal in place of what was told before."""
    sys.stderr.write(f"\r{text} " if sys.stderr.isatty() else f"{text}\n")
    sys.stderr.flush()


def main(folder: str, count: int) -> None:
    """Fill the archive of the zone in `folder`."""
    zone = ZoneFolder(Path(folder))
    zone.prepare()
    engine = archive_engine(load_settings(Path(folder)), zone)
    try:
        began = time.perf_counter()
        fill(engine, count)
        _tell(f"{count:,} statements made in {time.perf_counter() - began:.0f} s; waiting for the engine's merges")
        settle(engine)
        if sys.stderr.isatty():
            sys.stderr.write("\n")
        sys.stdout.write(f"{time.perf_counter() - began}\n")
    finally:
        engine.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
