"""Lists of statements against a naive filter over a Python list: conditions, time, order, apps, references, voids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrs.kernel.statements.relations import (
    Condition,
    Kind,
    about_activity,
    about_agent,
    authority_key,
    joined,
    of_registration,
    relation,
    separate,
    with_verb,
)
from lrs.store import pages, referring, selecting
from lrs.store.archive import Archive, ArchiveRow, Cursor, StatementFilter
from lrs.store.engine import Engine
from lrs.store.migrate import migrate
from tests.support.rows import BASE_MS, archive_row, key

NAMES = ["ann", "ben"]
APPS = ["drill", "quiz"]
PERSON = b'{"objectType":"Group","member":[{"mbox":"mailto:drill@example.jp"},{"mbox":"mailto:ann@example.jp"}]}'
SENDERS = [(None, None), ("drill", None), ("quiz", None), ("drill", PERSON)]
MOST = 14
CONDITIONS: list[Condition] = [
    *(about_agent(name, related=related) for name in NAMES for related in (False, True)),
    *(about_activity(name, related=related) for name in NAMES for related in (False, True)),
    *(with_verb(name) for name in NAMES),
    *(of_registration(key(name)) for name in NAMES),
    about_agent("ann", related=True, app="drill"),
]
KEYS = [
    *(
        relation(kind, name)
        for kind in (Kind.AGENT, Kind.RELATED_AGENT, Kind.ACTIVITY, Kind.RELATED_ACTIVITY)
        for name in NAMES
    ),
    *(relation(Kind.REGISTRATION, key(name)) for name in NAMES),
    relation(Kind.APP, "drill"),
]


class Made(NamedTuple):
    """A statement of the list; `target` is the number of the one it refers to, which need not be there."""

    app: str
    authority: bytes
    stored: int
    keys: frozenset[bytes]
    verb: str
    target: int | None
    voids: bool


MADE = st.builds(
    Made,
    app=st.sampled_from(APPS),
    authority=st.sampled_from([b"", PERSON]),
    stored=st.integers(0, 5),
    keys=st.frozensets(st.sampled_from(KEYS), max_size=4),
    verb=st.sampled_from(NAMES),
    target=st.none() | st.integers(0, MOST),
    voids=st.booleans(),
)
MOMENT = st.none() | st.integers(BASE_MS - 1, BASE_MS + 6)
FILTER = st.builds(
    lambda sender, **fields: StatementFilter(**fields, app=sender[0], authority=sender[1]),
    st.sampled_from(SENDERS),
    conditions=st.lists(st.sampled_from(CONDITIONS), max_size=2).map(tuple),
    since_ms=MOMENT,
    until_ms=MOMENT,
    limit=st.sampled_from([1, 2, 3, 20]),
    ascending=st.booleans(),
    after=st.none() | st.builds(Cursor, st.integers(BASE_MS, BASE_MS + 5), st.integers(0, 1), st.integers(0, MOST)),
)


def _rows(made: list[Made]) -> list[ArchiveRow]:
    return [
        archive_row(
            number,
            partition=number % 2,
            statement_id=key("statement", number),
            app=one.app,
            authority=one.authority,
            stored_at_ms=BASE_MS + one.stored,
            target_id=None if one.target is None else key("statement", one.target),
            is_voiding=one.voids and one.target is not None,
            relations=joined([*sorted(one.keys), relation(Kind.VERB, one.verb), authority_key(one.authority)]),
        )
        for number, one in enumerate(made)
    ]


def _place(row: ArchiveRow) -> Cursor:
    return Cursor(row.stored_at_ms, row.partition, row.offset)


def _sent_by(row: ArchiveRow, wanted: StatementFilter) -> bool:
    return wanted.app in (None, row.app) and wanted.authority in (None, row.authority)


def _meets(row: ArchiveRow, wanted: StatementFilter, rows: dict[bytes, ArchiveRow]) -> bool:
    """Itself, or through what it refers to."""
    seen: set[bytes] = set()
    while _sent_by(row, wanted):
        keys = set(separate(row.relations))
        if all(keys & set(condition.keys) for condition in wanted.conditions):
            return True
        seen.add(row.statement_id)
        if row.target_id is None or row.target_id in seen or row.target_id not in rows:
            return False
        row = rows[row.target_id]
    return False


def _voided(row: ArchiveRow, rows: dict[bytes, ArchiveRow]) -> bool:
    voids = (one for one in rows.values() if one.is_voiding and one.target_id == row.statement_id)
    return not row.is_voiding and any(one.app == row.app for one in voids)


def _naive(rows: list[ArchiveRow], wanted: StatementFilter) -> list[int]:
    by_id = {row.statement_id: row for row in rows}
    found = [
        row
        for row in rows
        if _sent_by(row, wanted)
        and (wanted.since_ms is None or row.stored_at_ms > wanted.since_ms)
        and (wanted.until_ms is None or row.stored_at_ms <= wanted.until_ms)
        and (wanted.after is None or (_place(row) > wanted.after if wanted.ascending else _place(row) < wanted.after))
        and _meets(row, wanted, by_id)
        and not _voided(row, by_id)
    ]
    found.sort(key=_place, reverse=not wanted.ascending)
    return [row.offset for row in found[: wanted.limit]]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("at_once", [500, 1])
def test_a_list_agrees_with_a_naive_filter(
    open_database: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    # With 1 nothing fits at once: every way of finding references is taken, one by one too.
    monkeypatch.setattr(referring, "_AT_ONCE", at_once)
    monkeypatch.setattr(referring, "_FEW", 0 if at_once == 1 else 200)
    monkeypatch.setattr(selecting, "_NEWEST", 2 if at_once == 1 else 20_000)
    engine = open_database("selecting")
    migrate(engine, "archive")

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(MADE, max_size=MOST), st.lists(FILTER, min_size=6, max_size=10), st.sampled_from([1, 20_000]))
    def agrees(made: list[Made], filters: list[StatementFilter], most_targets: int) -> None:
        monkeypatch.setattr(referring, "_MOST_TARGETS", most_targets)
        for table in ("statements", "statement_references"):
            engine.command(f"TRUNCATE TABLE {table}")
        rows = _rows(made)
        archive = Archive(engine)
        # Several parts, as inserts leave them.
        for start in range(0, len(rows), 5):
            archive.insert(rows[start : start + 5])
        for wanted in filters:
            assert [one.offset for one in archive.select(wanted)] == _naive(rows, wanted), (wanted, made)

    agrees()


@pytest.mark.parametrize("contents", [520, 4], ids=["all that is narrow comes along", "more than comes along"])
def test_what_refers_to_a_narrow_filters_statements_is_found_wherever_those_lie(
    open_database: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch, contents: int
) -> None:
    monkeypatch.setattr(selecting, "_MOST_CONTENTS", contents)
    engine = open_database("selecting")
    migrate(engine, "archive")
    agent = frozenset([relation(Kind.AGENT, "ann")])
    # Six of the agent, each at its own moment; then one that refers to each, the newest to the oldest, and one to one.
    made = [Made("drill", b"", number, agent, "met", None, voids=False) for number in range(6)]
    made += [Made("drill", b"", 6, frozenset(), "commented", target, voids=False) for target in (5, 4, 3, 2, 1, 0, 6)]
    rows = _rows(made)
    archive = Archive(engine)
    archive.insert(rows)
    bounds: tuple[dict[str, Any], ...] = (
        {},
        {"since_ms": BASE_MS + 2},
        {"since_ms": BASE_MS + 3},
        {"until_ms": BASE_MS + 1},
        {"after": _place(rows[4])},
    )
    for bound in bounds:
        for limit, ascending in ((1, False), (2, True), (20, False), (20, True)):
            wanted = StatementFilter((about_agent("ann", related=False),), limit=limit, ascending=ascending)._replace(
                **bound
            )
            assert [one.offset for one in archive.select(wanted)] == _naive(rows, wanted), wanted


@pytest.mark.parametrize(("app", "authority"), SENDERS)
def test_what_another_sent_refers_to_nothing_for_a_reader_of_ones_own(
    open_database: Callable[[str], Engine], app: str | None, authority: bytes | None
) -> None:
    engine = open_database("selecting")
    migrate(engine, "archive")
    agent = frozenset([relation(Kind.AGENT, "ann")])
    # Three that meet the filter, one a sender; each is referred to by everyone.
    senders = [("drill", b""), ("drill", PERSON), ("quiz", b"")]
    made = [Made(*sender, 0, agent, "met", None, voids=False) for sender in senders]
    made += [
        Made(*sender, 1, frozenset(), "commented", target, voids=False) for sender in senders for target in range(3)
    ]
    rows = _rows(made)
    archive = Archive(engine)
    archive.insert(rows)
    wanted = StatementFilter((about_agent("ann", related=False),), app=app, authority=authority)
    assert [one.offset for one in archive.select(wanted)] == _naive(rows, wanted)


@pytest.mark.parametrize("contents", [520, 10, 6, 4])
def test_of_what_is_narrow_a_reader_gets_its_own_in_order_however_much_others_sent(
    open_database: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch, contents: int
) -> None:
    monkeypatch.setattr(selecting, "_MOST_CONTENTS", contents)
    monkeypatch.setattr(pages, "_SPARE", 0)
    engine = open_database("selecting")
    migrate(engine, "archive")
    agent = frozenset([relation(Kind.AGENT, "ann")])
    # Six at a time are stored in one moment, and most are another app's; what refers to them lies in between.
    apps = ["drill", "quiz", "quiz", "quiz", "drill", "quiz", "quiz", "quiz", "drill", "drill", "drill", "quiz"]
    made = [Made(app, b"", number // 6 * 4, agent, "met", None, voids=False) for number, app in enumerate(apps)]
    made += [Made("drill", b"", 2, frozenset(), "commented", target, voids=False) for target in (0, 10)]
    rows = _rows(made)
    archive = Archive(engine)
    for start in range(0, len(rows), 5):
        archive.insert(rows[start : start + 5])
    for app in (None, "drill", "quiz"):
        for limit in (1, 2, 3, 5):
            for ascending in (False, True):
                wanted = StatementFilter(
                    (about_agent("ann", related=False),), limit=limit, ascending=ascending, app=app
                )
                assert [one.offset for one in archive.select(wanted)] == _naive(rows, wanted), wanted
