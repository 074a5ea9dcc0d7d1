"""Id authority and voiding against a dictionary: whatever is sent, repeated, contradicted, voided, killed or lost."""

from __future__ import annotations

import shutil
import uuid
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from lrs.store.archive import Archive, ArchiveRow, StatementFilter
from lrs.store.engine import Engine
from lrs.store.ids import IdEntry, IdIndex
from lrs.store.migrate import migrate
from tests.support.rows import archive_row, key

if TYPE_CHECKING:
    from pathlib import Path

IDS = [key("authority", number) for number in range(6)]


class Sent(NamedTuple):
    """A record on the log."""

    statement_id: bytes
    content: int
    voids: bytes | None


SENT = st.builds(Sent, st.sampled_from(IDS), st.integers(0, 1), st.one_of(st.none(), st.none(), st.sampled_from(IDS)))


class Authority(RuleBasedStateMachine):
    """A log of one partition, a recorder that may die between any two of its steps, and what must come of it."""

    dsn: str
    parent: Path

    def __init__(self) -> None:
        super().__init__()
        self.engine = Engine.open(
            self.dsn, f"authority_{uuid.uuid4().hex[:8]}", readers=2, max_memory_mb=1500, query_seconds=20
        )
        migrate(self.engine, "archive")
        self.folder = self.parent / uuid.uuid4().hex
        self.log: list[Sent] = []
        self.committed = 0
        self.start()

    def start(self) -> None:
        """A recorder's life begins."""
        self.archive = Archive(self.engine)
        self.index = IdIndex.open(self.folder)
        self.archive.high_water(0)
        self.index.catch_up(self.archive, 0)

    @rule(batch=st.lists(SENT, min_size=1, max_size=5), dies_after=st.sampled_from(["", "", "index", "archive"]))
    def record(self, batch: list[Sent], dies_after: str) -> None:
        """Apps send; the recorder takes everything from its committed offset on."""
        self.log += batch
        taken: list[tuple[bytes, IdEntry]] = []
        rows: list[ArchiveRow] = []
        known: dict[bytes, IdEntry] = {}
        pending = self.log[self.committed :]
        for sent, entry in zip(pending, self.index.get_many([sent.statement_id for sent in pending]), strict=True):
            if entry is not None:
                known[sent.statement_id] = entry
        for offset, sent in enumerate(pending, self.committed):
            own = IdEntry(0, offset, key("digest", sent.content, sent.voids))
            first = known.setdefault(sent.statement_id, own)
            if first.offset == offset:
                taken.append((sent.statement_id, own))
                rows.append(_row(offset, sent))
        self.index.put_many(taken)
        if dies_after == "index":
            return self.restart()
        self.archive.insert(rows)
        if dies_after == "archive":
            return self.restart()
        self.committed = len(self.log)
        return None

    @rule()
    def restart(self) -> None:
        """Killed; the next one reads its place back."""
        self.index.close()
        self.start()

    @rule()
    def lose_index(self) -> None:
        """Somebody deletes the cache."""
        self.index.close()
        shutil.rmtree(self.folder)
        self.start()

    @rule(back=st.integers(1, 10))
    def redeliver(self, back: int) -> None:
        """The commit was lost: the log comes again from further back."""
        self.committed = max(0, self.committed - back)

    @invariant()
    def archive_holds_the_first_of_each_id(self) -> None:
        """Only what is committed is promised; what is not may be there already."""
        first: dict[bytes, int] = {}
        for offset, sent in enumerate(self.log):
            first.setdefault(sent.statement_id, offset)
        found = self.archive.by_ids(IDS)
        for statement_id, statement in found.items():
            assert statement.offset == first[statement_id]
            assert statement.raw == _row(statement.offset, self.log[statement.offset]).raw
        promised = {statement_id for statement_id, offset in first.items() if offset < self.committed}
        assert promised <= found.keys()
        archived = {statement.offset for statement in found.values()}
        voids = {self.log[offset].voids for offset in archived}
        for statement in found.values():
            assert statement.voided == (statement.statement_id in voids and self.log[statement.offset].voids is None)
        shown = [statement.offset for statement in self.archive.select(StatementFilter(ascending=True))]
        assert shown == sorted(statement.offset for statement in found.values() if not statement.voided)

    def teardown(self) -> None:
        """Give everything back."""
        self.index.close()
        self.engine.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _row(offset: int, sent: Sent) -> ArchiveRow:
    return archive_row(
        offset,
        statement_id=sent.statement_id,
        digest=key("digest", sent.content, sent.voids),
        raw=b'{"content":%d}' % sent.content,
        target_id=sent.voids,
        is_voiding=sent.voids is not None,
    )


@pytest.mark.timeout(300)
def test_the_archive_agrees_with_a_dictionary(embedded: str, tmp_path: Path) -> None:
    machine = type("AuthorityHere", (Authority,), {"dsn": embedded, "parent": tmp_path})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
