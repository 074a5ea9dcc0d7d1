"""The names of an agent: those in its latest statements, of the apps that the caller may see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lrs.store.agents import Agents
from lrs.store.archive import Archive, ArchiveRow
from lrs.store.engine import Engine
from tests.support.rows import BASE_MS, archive_row

ACTOR = "account\x1fhttps://board.example.jp\x1fu1"


@pytest.fixture
def agents(archive_engine: Engine) -> Agents:
    return Agents(archive_engine)


def _row(offset: int, actor: dict[str, Any], **changes: Any) -> ArchiveRow:  # noqa: ANN401 - any column
    raw = json.dumps({"actor": actor, "verb": {"id": "https://a"}}, ensure_ascii=offset % 2 == 0).encode()
    return archive_row(offset, raw=raw, **{"actor_key": ACTOR, **changes})


def test_an_agent_without_statements_or_names_has_none(agents: Agents, archive_engine: Engine) -> None:
    assert agents.names(ACTOR, None) == []
    Archive(archive_engine).insert([_row(0, {}), _row(1, {"name": ""}), _row(2, {"objectType": "Agent"})])
    assert agents.names(ACTOR, None) == []


def test_each_name_is_there_once_the_latest_first_whatever_its_characters(
    agents: Agents, archive_engine: Engine
) -> None:
    names = ["児童 一", "a\"b\\c\u0000\u2028'", "児童 一", "\U0001f600 x", "児童 一"]
    Archive(archive_engine).insert([_row(offset, {"name": name}) for offset, name in enumerate(names)])
    assert agents.names(ACTOR, None) == ["児童 一", names[3], names[1]]


def test_other_identifiers_groups_and_apps_are_left_out(agents: Agents, archive_engine: Engine) -> None:
    Archive(archive_engine).insert(
        [
            _row(0, {"name": "mine"}, app="drill-a"),
            _row(1, {"name": "theirs"}, app="drill-b"),
            _row(2, {"name": "class", "objectType": "Group"}, app="drill-a"),
            _row(3, {"name": "longer"}, actor_key=f"{ACTOR}1", app="drill-a"),
        ]
    )
    assert agents.names(ACTOR, "drill-a") == ["mine"]
    assert agents.names(ACTOR, "drill-c") == []
    assert agents.names(ACTOR, None) == ["theirs", "mine"]


def test_an_authority_leaves_out_what_another_one_stands_for(agents: Agents, archive_engine: Engine) -> None:
    mine, theirs = ('{"account":{"name":"児\\"%d"}}'.encode() % number for number in (1, 2))
    Archive(archive_engine).insert(
        [_row(0, {"name": "mine"}, authority=mine), _row(1, {"name": "theirs"}, authority=theirs)]
    )
    assert agents.names(ACTOR, "drill", mine) == ["mine"]
    assert agents.names(ACTOR, None, theirs) == ["theirs"]
    assert agents.names(ACTOR, "drill", b"") == []


def test_only_the_latest_statements_are_asked(agents: Agents, archive_engine: Engine) -> None:
    rows = [_row(0, {"name": "long ago"}), *(_row(offset, {"name": "now"}) for offset in range(1, 201))]
    Archive(archive_engine).insert([row._replace(stored_at_ms=BASE_MS + row.offset) for row in rows])
    assert agents.names(ACTOR, None) == ["now"]
    Archive(archive_engine).insert([_row(300, {"name": "last"})])
    assert agents.names(ACTOR, None) == ["last", "now"]
