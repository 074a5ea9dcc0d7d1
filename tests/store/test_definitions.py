"""Activity definitions: learnt once, merged per reader."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lrs.kernel.statements.definitions import Definition, definitions_of
from lrs.kernel.statements.shapes import Activity
from lrs.kernel.statements.shapes import Definition as Shape
from lrs.store import definitions as module
from lrs.store.archive import Archive
from lrs.store.engine import Engine

ITEM = "https://drill.example.jp/項目/1"


def _definition(**name: str) -> Definition:
    [one] = definitions_of([Activity(id=ITEM, definition=Shape(name=name))])
    return one


def _rows(engine: Engine) -> int:
    return int(engine.query("SELECT count() FROM activity_definitions")[0][0])


@pytest.fixture
def archive(archive_engine: Engine) -> Archive:
    return Archive(archive_engine)


def test_definitions_of_an_activity_add_up_in_the_order_they_were_learnt(archive: Archive) -> None:
    archive.learn_definitions(
        [("drill", 2, [_definition(ja="二", en="two")]), ("drill", 1, [_definition(ja="一", fr="un")])]
    )
    assert archive.definitions.of([ITEM, "https://nobody"]) == {ITEM: {"name": {"ja": "二", "fr": "un", "en": "two"}}}


def test_an_app_sees_only_what_it_sent(archive: Archive) -> None:
    archive.learn_definitions([("drill", 1, [_definition(ja="一")]), ("quiz", 2, [_definition(en="two")])])
    assert archive.definitions.of([ITEM], "drill") == {ITEM: {"name": {"ja": "一"}}}
    assert archive.definitions.of([ITEM], "quiz") == {ITEM: {"name": {"en": "two"}}}
    assert archive.definitions.of([ITEM], "nobody") == {}
    assert archive.definitions.of([ITEM]) == {ITEM: {"name": {"ja": "一", "en": "two"}}}


def test_what_is_known_is_not_written_again(archive: Archive, archive_engine: Engine) -> None:
    one = _definition(ja="一")
    archive.learn_definitions([("drill", 1, [one, one]), ("drill", 2, [one]), ("drill", 3, [])])
    archive.learn_definitions([("drill", 4, [one])])
    assert _rows(archive_engine) == 1
    archive.learn_definitions([("quiz", 5, [one])])
    assert _rows(archive_engine) == 2
    Archive(archive_engine).learn_definitions([("drill", 6, [one])])
    archive_engine.command("OPTIMIZE TABLE activity_definitions FINAL")
    assert _rows(archive_engine) == 2


def test_what_was_forgotten_is_written_again_and_does_no_harm(
    archive: Archive, archive_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_SEEN", 1)
    one, other = _definition(ja="一"), _definition(ja="二")
    for at, definition in enumerate([one, other, one]):
        archive.learn_definitions([("drill", at, [definition])])
    archive_engine.command("OPTIMIZE TABLE activity_definitions FINAL")
    assert _rows(archive_engine) == 2
    assert archive.definitions.of([ITEM]) == {ITEM: {"name": {"ja": "一"}}}


def test_of_very_many_definitions_the_newest_count(archive: Archive) -> None:
    archive.learn_definitions([("drill", 0, [_definition(fr="zéro")])])
    archive.learn_definitions([("drill", at, [_definition(ja=str(at))]) for at in range(1, 121)])
    assert archive.definitions.of([ITEM]) == {ITEM: {"name": {"ja": "120"}}}


def test_a_definition_comes_back_as_it_was_sent(archive: Archive) -> None:
    sent: dict[str, Any] = {
        "description": {"ja": "\u0000\\'\"{}"},
        "extensions": {"https://e.jp/x": [1.5, None, {"a": 12345678901234567890}]},
    }
    content = json.dumps(sent).encode()
    archive.learn_definitions([("drill", 1, [Definition(ITEM, bytes(16), content)])])
    assert archive.definitions.of([ITEM]) == {ITEM: sent}
