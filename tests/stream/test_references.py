"""Reference files into their compacted topics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lrs.kernel.codec import codec
from lrs.kernel.errors import RefusedError, RetryError
from lrs.kernel.settings import BrokerSettings
from lrs.kernel.topics import Noun, topic_name
from producers.compacted_topic import CompactedTopic
from producers.references import RowNotice, RowRefusal, load_catalogue, load_consent, load_roster

CATALOGUE = "activity_id,curriculum_code,subject,item_type,title\n"
ROSTER = "home_page,name,school_code,grade,class_name\n"
CONSENT = "home_page,name,purpose,recipient_kind,data_class,granted,guardian,decided_at,valid_until\n"
GOOD = "https://d.example/1,8250263111200000,算数,question,分数\n"


async def held(broker: BrokerSettings, zone: str, noun: Noun) -> dict[bytes, dict[str, Any]]:
    """The latest record of each key."""
    found: dict[bytes, dict[str, Any]] = {}
    async with CompactedTopic(broker, topic_name(zone, noun)) as topic:
        async for key, value in topic.read():
            found[key] = codec(noun.value).decode(value)
    return found


def file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "file.csv"
    path.write_bytes(text.encode(encoding))
    return path


async def test_good_rows_are_loaded_and_bad_rows_are_told_by_line_and_column(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    rows = [
        GOOD,
        "https://d.example/2,82102C300000000,理科,question,x\n",
        "\n",
        "https://d.example/3,,理科,quiz,x\n",
        "https://d.example/4,,理科\n",
        'https://d.example/5,,理科,page,"a, ""b"""\n',
    ]
    report = await load_catalogue(file(tmp_path, CATALOGUE + "".join(rows)), broker, zone)
    assert report.loaded == 2
    assert [(refusal.line, refusal.column) for refusal in report.refused] == [
        (3, "curriculum_code"),
        (5, "item_type"),
        (6, ""),
    ]
    found = await held(broker, zone, Noun.CATALOGUE)
    assert {key.decode(): record["title"] for key, record in found.items()} == {
        "https://d.example/1": "分数",
        "https://d.example/5": 'a, "b"',
    }


async def test_a_byte_order_mark_and_any_order_of_columns_are_read(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    text = "title, item_type,subject,curriculum_code,activity_id\r\n分数,question,算数,,https://d.example/1\r\n"
    report = await load_catalogue(file(tmp_path, text, "utf-8-sig"), broker, zone)
    assert (report.loaded, report.refused, report.notices) == (1, [], [])


@pytest.mark.parametrize(
    ("text", "encoding", "line", "rule"),
    [
        ("", "utf-8", "line 1", "'activity_id' is missing"),
        ("activity_id,title\n", "utf-8", "line 1", "'curriculum_code' is missing"),
        (CATALOGUE.replace("title", "titel"), "utf-8", "line 1", "'titel' is not known"),
        (CATALOGUE.replace("title", "title,title"), "utf-8", "line 1", "there twice"),
        (CATALOGUE + GOOD, "cp932", "line 2", "not UTF-8"),
        (CATALOGUE + GOOD, "utf-16", "line 1", "not UTF-8"),
        (CATALOGUE + "\0\n", "utf-8", "line 2", "null character"),
    ],
)
async def test_a_file_of_another_kind_is_refused_whole(  # noqa: PLR0917 - fixtures and parameters
    broker: BrokerSettings, zone: str, tmp_path: Path, text: str, encoding: str, line: str, rule: str
) -> None:
    with pytest.raises(RefusedError, match=rule) as caught:
        await load_catalogue(file(tmp_path, text, encoding), broker, zone)
    assert caught.value.path == line
    assert await held(broker, zone, Noun.CATALOGUE) == {}


async def test_a_quote_that_is_never_closed_ends_the_reading_and_is_told(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    report = await load_catalogue(file(tmp_path, CATALOGUE + GOOD + '"https://d.example/2,,x,page,y\n'), broker, zone)
    assert report.loaded == 1
    assert [refusal.column for refusal in report.refused] == [""]
    assert "not CSV" in report.refused[0].rule


async def test_of_two_rows_with_one_key_the_last_counts_and_a_notice_tells(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    report = await load_catalogue(file(tmp_path, CATALOGUE + GOOD + GOOD.replace("分数", "小数")), broker, zone)
    assert report.notices == [RowNotice(3, "replaces line 2, which has the same key")]
    assert [record["title"] for record in (await held(broker, zone, Noun.CATALOGUE)).values()] == ["小数"]


async def test_a_learner_keeps_the_salt_over_loads_unless_the_file_gives_one(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    row = "https://p.example,child-1,B127210000018,6,2組"
    await load_roster(file(tmp_path, f"{ROSTER}{row}\n"), broker, zone)
    (first,) = (await held(broker, zone, Noun.ROSTER)).values()
    await load_roster(file(tmp_path, f"{ROSTER}{row.replace(',6,', ',7,')}\n"), broker, zone)
    (second,) = (await held(broker, zone, Noun.ROSTER)).values()
    assert (second["salt"], second["grade"]) == (first["salt"], 7)
    await load_roster(file(tmp_path, f"{ROSTER[:-1]},salt\n{row},{'ab' * 16}\n"), broker, zone)
    (third,) = (await held(broker, zone, Noun.ROSTER)).values()
    assert third["salt"] == b"\xab" * 16


async def test_a_cell_loses_the_padding_around_it_and_no_character_of_its_own(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    rows = "https://p.example, \u3000太郎\u3000 ,B127210000018,6,2組\nhttps://p.example,次郎\x1f,B127210000018,6,2組\n"
    report = await load_roster(file(tmp_path, ROSTER + rows), broker, zone)
    assert [(refusal.line, refusal.column) for refusal in report.refused] == [(3, "name")]
    assert [learner["name"] for learner in (await held(broker, zone, Noun.ROSTER)).values()] == ["\u3000太郎\u3000"]


async def test_loading_an_old_file_again_does_not_bring_back_a_withdrawn_consent(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    granted = (
        "https://p.example,child-1,dashboards,学校・教員,学習履歴・学校教育,true,true,2026-04-01T00:00:00+09:00,\n"
    )
    withdrawn = granted.replace("true,true,2026-04", "false,true,2026-06")
    await load_consent(file(tmp_path, CONSENT + granted + withdrawn), broker, zone)
    report = await load_consent(file(tmp_path, CONSENT + granted), broker, zone)
    assert (report.loaded, [notice.line for notice in report.notices]) == (0, [2])
    assert [record["granted"] for record in (await held(broker, zone, Noun.CONSENT)).values()] == [False]


async def test_progress_ends_at_the_size_of_the_file(broker: BrokerSettings, zone: str, tmp_path: Path) -> None:
    path = file(tmp_path, CATALOGUE + "".join(GOOD.replace("/1", f"/{n}") for n in range(5000)))
    told: list[int] = []
    report = await load_catalogue(path, broker, zone, told.append)
    assert report.loaded == 5000
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size
    assert len(told) > 2


async def test_without_a_broker_the_caller_is_told_to_try_again(tmp_path: Path, unused_tcp_port: int) -> None:
    with pytest.raises(RetryError):
        await load_catalogue(
            file(tmp_path, CATALOGUE + GOOD), BrokerSettings.model_validate({"port": unused_tcp_port}), "nowhere"
        )


def test_a_refusal_reads_as_line_column_and_rule() -> None:
    assert RowRefusal(3, "grade", "x")._asdict() == {"line": 3, "column": "grade", "rule": "x"}
