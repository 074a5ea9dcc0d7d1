"""An archive of any number of statements, made inside the engine: what the reading benchmarks ask.

`python -m tests.bench.archive_of FOLDER COUNT`: fills the archive of the zone in FOLDER, and prints the seconds taken.
Each statement is a valid one of 0.8 kB with the relations that the recorder would give it. Its number makes its id, so
that whoever knows the number can ask for it.
"""

from __future__ import annotations

import sys
import time
import uuid
from hashlib import md5
from pathlib import Path
from typing import Any

from lrs.cli.settings_loading import load_settings
from lrs.kernel.statements.relations import Kind
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.engine import Engine, archive_engine
from lrs.store.migrate import migrate

APP = "bench"
HOME_PAGE = "https://board.example.jp"
ITEM = "https://drill.example.jp/items/"
BOOK = "https://drill.example.jp/books/"
VERB = "http://adlnet.gov/expapi/verbs/"
TEACHER = "mailto:t"
DOMAIN = "@board.example.jp"
PER_LEARNER = 250
ITEMS, BOOKS, VERBS, CLASS = 7400, 74, 8, 30
_FIRST_MS = 1_767_225_600_000
_STEP_MS = 400
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
    "end": 'Z"}',
}
_FILL = """
INSERT INTO statements (
    partition, offset, statement_id, app, stored_at, timestamp_at, actor_key, verb_id, activity_id, registration,
    target_id, is_voiding, digest, head, raw, relations
)
WITH
    number * 7919 % {learners:UInt64} AS learner,
    cityHash64(number) % {verbs:UInt64} AS verb,
    cityHash64(number, 1) % {items:UInt64} AS item,
    item % {books:UInt64} AS book,
    intDiv(learner, {class:UInt64}) AS teacher,
    fromUnixTimestamp64Milli(toInt64({first:Int64} + number * {step:Int64}), 'UTC') AS at,
    MD5(toString(number)) AS id,
    MD5(concat(toString(learner), '-', toString(intDiv(number, {learners:UInt64} * 20)))) AS sitting,
    concat('account', char(31), {home:String}, char(31), toString(learner)) AS actor,
    concat({verb_prefix:String}, toString(verb)) AS verb_iri,
    concat({item_prefix:String}, toString(item)) AS item_iri
SELECT
    {partition:UInt16}, number, id, {app:String}, at, at, actor, verb_iri, item_iri, sitting,
    toFixedString('', 16), false, id,
    concat(
        toString(toUnixTimestamp64Milli(at)), ',', toString({partition:UInt16}), ',', toString(number), ',0,1.0.3,',
        toString(length({app:String})), ',', {app:String}
    ),
    concat(
        {id:String}, UUIDNumToString(id), {actor:String}, toString(learner), {verb:String}, toString(verb),
        {display:String}, toString(item), {definition:String}, toString(item), {result:String},
        toString(cityHash64(number, 2) % 1000), {duration:String}, toString(cityHash64(number, 3) % 900),
        {context:String}, UUIDNumToString(sitting), {instructor:String}, toString(teacher), {book:String},
        toString(book), {time:String}, replaceOne(toString(at), ' ', 'T'), {end:String}
    ),
    arrayMap(
        (kind, value) -> toFixedString(concat(kind, substring(SHA256(value), 1, 7)), 8),
        ['a', 'o', 'r', 'A', 'O', 'v', {sender:String}],
        [
            actor, item_iri, concat(sitting, ''), concat('mbox', char(31), {teacher:String}, toString(teacher),
            {domain:String}), concat({book_prefix:String}, toString(book)), verb_iri, {app:String}
        ]
    )
FROM numbers({start:UInt64}, {rows:UInt64})
SETTINGS max_insert_block_size = 131072, min_insert_block_size_rows = 131072, max_threads = 2, max_insert_threads = 1
"""


def statement_id(number: int) -> uuid.UUID:
    """The id of a statement."""
    return uuid.UUID(bytes=md5(str(number).encode(), usedforsecurity=False).digest())


def learners_of(count: int) -> int:
    """How many learners an archive of so many statements has, each with as many statements."""
    return max(1, count // PER_LEARNER)


def fill(engine: Engine, count: int) -> None:
    """Write `count` statements into an empty archive."""
    migrate(engine, "archive")
    params: dict[str, Any] = {
        **_PIECES,
        "learners": learners_of(count),
        "verbs": VERBS,
        "items": ITEMS,
        "books": BOOKS,
        "class": CLASS,
        "first": _FIRST_MS,
        "step": _STEP_MS,
        "home": HOME_PAGE,
        "verb_prefix": VERB,
        "item_prefix": ITEM,
        "book_prefix": BOOK,
        "teacher": TEACHER,
        "domain": DOMAIN,
        "sender": Kind.APP.decode(),
        "app": APP,
        "partition": _PARTITION,
    }
    for start in range(0, count, _PART_ROWS):
        engine.command(_FILL.strip(), {**params, "start": start, "rows": min(_PART_ROWS, count - start)})


def settle(engine: Engine) -> None:
    """Wait until the engine has merged what it means to merge: until then it is busy with that."""
    quiet = 0
    while quiet < _QUIET_SECONDS:
        time.sleep(1)
        merging = engine.query("SELECT count() FROM system.merges")[0][0]
        quiet = 0 if merging else quiet + 1


def main(folder: str, count: int) -> None:
    """Fill the archive of the zone in `folder`."""
    zone = ZoneFolder(Path(folder))
    zone.prepare()
    engine = archive_engine(load_settings(Path(folder)), zone)
    try:
        began = time.perf_counter()
        fill(engine, count)
        settle(engine)
        sys.stdout.write(f"{time.perf_counter() - began}\n")
    finally:
        engine.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
