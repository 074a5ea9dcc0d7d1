"""What becomes of every record: the pure part of the recorder."""

from __future__ import annotations

import uuid
from typing import NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.kernel.codec import codec
from lrs.kernel.handover import Handover, Known
from lrs.kernel.reasons import Refusal
from lrs.kernel.records import Origin
from lrs.kernel.statements import XapiVersion, read_statement
from lrs.kernel.topics import partition_of
from lrs.store.ids import IdEntry
from processors.settling import Duplicate, Keep, Outcome, Refuse, Rules, read_record, settle

PARTITIONS = 4
RULES = Rules(PARTITIONS, max_statement_bytes=2000)
STORED_MS = 1_780_000_000_000


class Record(NamedTuple):
    partition: int
    offset: int
    timestamp: int
    value: bytes | None


def ids_of(partition: int, count: int) -> list[bytes]:
    minted = (uuid.uuid5(uuid.NAMESPACE_URL, str(number)).bytes for number in range(1000))
    return [one for one in minted if partition_of(one, PARTITIONS) == partition][:count]


IDS = ids_of(0, 5)


def statement(statement_id: bytes | None, content: int = 0, **more: object) -> bytes:
    whole: dict[str, object] = {
        "actor": {"account": {"homePage": "https://drill.example", "name": f"learner-{content}"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": "https://drill.example/items/1"},
        **more,
    }
    if statement_id is not None:
        whole["id"] = str(uuid.UUID(bytes=statement_id))
    return orjson.dumps(whole)


def record(offset: int, statement_id: bytes = IDS[0], raw: bytes | None = None, **envelope: object) -> Record:
    received = {
        "statement_id": statement_id,
        "app": "drill",
        "entrance": "SDK",
        "xapi_version": "1.0.3",
        "stored_at_ms": None,
        "authority": None,
        "statement": statement(statement_id) if raw is None else raw,
        **envelope,
    }
    return Record(0, offset, STORED_MS + offset, codec("received").encode(received))


def handed_over(one: Record) -> tuple[Rules, Known]:
    """Rules with what a gateway of this process would give of its record."""
    assert one.value is not None
    sent = codec("received").decode(one.value)
    origin = Origin(*(sent[field] for field in Origin._fields))
    known = Known(one.value, sent["statement_id"], origin, read_statement(sent["statement"], XapiVersion.V1))
    handover = Handover()
    handover.give([known])
    return Rules(PARTITIONS, max_statement_bytes=2000, handover=handover), known


def decide(records: list[Record], index: dict[bytes, IdEntry]) -> list[Outcome]:
    """One batch as the recorder does it: look up, settle, put."""
    settled = settle([(one, read_record(one, RULES)) for one in records], dict(index), 0)
    index.update(settled.taken)
    return settled.outcomes


def refusal_of(one: Record) -> Refuse:
    outcome = read_record(one, RULES)
    assert isinstance(outcome, Refuse)
    assert outcome.original == (one.value or b"")
    return outcome


def test_a_statement_without_an_id_is_kept_under_the_envelopes() -> None:
    kept = read_record(record(7, raw=statement(None)), RULES)
    assert isinstance(kept, Keep)
    assert (kept.offset, kept.statement_id, kept.app) == (7, IDS[0], "drill")


def test_a_statement_that_this_process_has_read_is_taken_as_it_was_read() -> None:
    one = record(7, entrance="GATEWAY")
    rules, known = handed_over(one)
    kept = read_record(one, rules)
    assert isinstance(kept, Keep)
    assert kept.statement is known.statement
    assert kept == read_record(one, RULES)


def test_what_was_handed_over_is_refused_all_the_same_on_a_partition_that_is_not_its_own() -> None:
    one = record(7, entrance="GATEWAY")
    rules, _ = handed_over(one)
    astray = Record(one.offset, (one.partition + 1) % PARTITIONS, one.timestamp, one.value)
    assert read_record(astray, rules) == read_record(astray, RULES)
    assert refusal_of(astray).reason is Refusal.WRONG_PARTITION


def test_stored_is_the_envelopes_time_or_else_the_logs() -> None:
    assert read_record(record(7), RULES).stored_at_ms == STORED_MS + 7
    assert read_record(record(7, stored_at_ms=STORED_MS - 5), RULES).stored_at_ms == STORED_MS - 5


@pytest.mark.parametrize("value", [None, b"", b"{}", b"\xc3\x01", b"\xc3\x01" + bytes(40), codec("withheld").header])
def test_bytes_that_are_no_envelope_are_refused_with_their_original(value: bytes | None) -> None:
    refused = refusal_of(Record(0, 3, STORED_MS, value))
    assert (refused.reason, refused.statement_id, refused.app) == (Refusal.WRONG_ENVELOPE, None, "")
    assert refused.stored_at_ms == STORED_MS


@pytest.mark.parametrize(
    ("envelope", "field"),
    [
        ({"app": ""}, "app"),
        ({"app": "x" * 200}, "app"),
        ({"xapi_version": "0.9"}, "xapi_version"),
        ({"stored_at_ms": -1}, "stored_at_ms"),
        ({"stored_at_ms": 1 << 60}, "stored_at_ms"),
        ({"raw": statement(IDS[1])}, "id"),
    ],
)
def test_an_envelope_that_breaks_a_rule_is_refused_by_the_fields_name(envelope: dict[str, object], field: str) -> None:
    refused = refusal_of(record(3, **envelope))  # type: ignore[arg-type]
    assert refused.reason is Refusal.WRONG_ENVELOPE
    assert field in refused.rule
    assert 0 < len(refused.app) <= 128 or field == "app"
    assert refused.stored_at_ms == STORED_MS + 3


def test_an_id_on_another_partition_than_its_own_is_refused() -> None:
    refused = refusal_of(record(3, ids_of(2, 1)[0]))
    assert (refused.reason, refused.path) == (Refusal.WRONG_PARTITION, "$.id")


def test_a_statement_over_the_limit_is_refused_unless_the_gateway_has_acknowledged_it() -> None:
    large = statement(IDS[0], object={"id": "https://drill.example/" + "x" * 3000})
    assert refusal_of(record(3, raw=large)).reason is Refusal.TOO_LARGE
    assert isinstance(read_record(record(3, raw=large, entrance="GATEWAY"), RULES), Keep)


@pytest.mark.parametrize(
    ("raw", "reason", "path"),
    [
        (b"\xff", Refusal.NOT_JSON, "$"),
        (b"[", Refusal.NOT_JSON, "$"),
        (statement(IDS[0], verb={"id": "answered"}), Refusal.INVALID, "$.verb.id"),
    ],
)
def test_a_statement_that_breaks_a_rule_is_refused_with_its_path(raw: bytes, reason: Refusal, path: str) -> None:
    refused = refusal_of(record(3, raw=raw))
    assert (refused.reason, refused.path, refused.statement_id) == (reason, path, IDS[0])
    assert refused.rule


def test_the_first_of_an_id_wins_also_within_one_batch() -> None:
    again, other = record(2), record(3, raw=statement(IDS[0], content=1))
    first, duplicate, conflict = decide([record(1), again, other], {})
    assert isinstance(first, Keep)
    assert duplicate == Duplicate(2, "drill", STORED_MS + 2, first_offset=1)
    assert isinstance(conflict, Refuse)
    assert (conflict.reason, conflict.original) == (Refusal.CONFLICT, other.value)


def test_a_refused_statement_does_not_take_its_id() -> None:
    refused, kept = decide([record(1, raw=b"{}"), record(2)], {})
    assert isinstance(refused, Refuse)
    assert isinstance(kept, Keep)


def test_ids_are_taken_by_what_is_kept_for_the_first_time_only() -> None:
    first = read_record(record(4, IDS[1]), RULES)
    assert isinstance(first, Keep)
    known = {IDS[1]: IdEntry(0, 4, first.statement.digest)}
    records = [record(4, IDS[1]), record(5, IDS[2]), record(6, IDS[2])]
    settled = settle([(one, read_record(one, RULES)) for one in records], known, 0)
    assert [(key, entry.offset) for key, entry in settled.taken] == [(IDS[2], 5)]


sent = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=40)  # which id, which content; 2 is malformed


def records_of(choices: list[tuple[int, int]]) -> list[Record]:
    return [
        record(offset, IDS[number], raw=b"[" if content == 2 else statement(IDS[number], content))
        for offset, (number, content) in enumerate(choices)
    ]


def ending(outcome: Outcome) -> str:
    return outcome.reason.value if isinstance(outcome, Refuse) else type(outcome).__name__


@given(sent)
def test_id_authority_does_what_a_dict_would_do(choices: list[tuple[int, int]]) -> None:
    taken: dict[int, int] = {}
    expected = []
    for number, content in choices:
        if content == 2:
            expected.append("not_json")
        elif number not in taken:
            taken[number] = content
            expected.append("Keep")
        else:
            expected.append("Duplicate" if taken[number] == content else "conflict")
    assert [ending(outcome) for outcome in decide(records_of(choices), {})] == expected


@given(sent, st.data())
def test_a_replay_from_anywhere_in_any_batches_gives_the_same_outcomes(
    choices: list[tuple[int, int]], data: st.DataObject
) -> None:
    records = records_of(choices)
    index: dict[bytes, IdEntry] = {}
    expected = decide(records, index)
    start = data.draw(st.integers(0, len(records)))
    replayed: list[Outcome] = []
    while start + len(replayed) < len(records):
        at = start + len(replayed)
        size = data.draw(st.integers(1, len(records) - at))
        replayed += decide(records[at : at + size], index)
    assert replayed == expected[start:]
