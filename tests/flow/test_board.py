"""The board over HTTP: answers, formats, refusals, headers, languages, and that nothing hidden is in any byte of it."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from lrs.kernel.curriculum import curriculum
from lrs.store.accounting import HopCounts
from tests.support.activities import SMALL_CODE, made_activities, small_day
from tests.support.board import BoardFailedError, ServedBoard, served_board

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


ROWS = made_activities(3000) + small_day()
# The numbers of that day as any format would write them; digits around them would make another number, or a time.
SMALL_NUMBERS = re.compile(r"(?<![0-9.])(?:7,?919|4,?003|3,?916|0\.5055|50\.5[0-9]?%|51%)(?![0-9])")
CHARTS = ["/charts/activity.svg", "/charts/activity.svg?measure=learners", "/charts/success.svg"]
PAGES = ["/", "/curriculum", "/curriculum?code=8250000000000000", "/about"]
DATA = [f"/api/aggregates/{name}" for name in ("activity", "summary", "success", "success?depth=13")]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBoard]:
    with served_board(tmp_path_factory.mktemp("board")) as served:
        served.load(count=3000)
        served.load_small_day()
        yield served


@pytest.fixture
def client(board: ServedBoard) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=board.url, timeout=20) as client:
        yield client


def rows_of(client: httpx.Client, address: str) -> list[dict[str, Any]]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


def test_an_answer_says_what_its_numbers_mean_and_how_fresh_they_are(client: httpx.Client) -> None:
    newest = datetime.fromtimestamp(max(row["stored_at_ms"] for row in ROWS) / 1000, UTC)
    for address in DATA:
        answer = client.get(address)
        body = answer.json()
        assert datetime.fromisoformat(body["fresh_through"]) == newest
        assert answer.headers["ayumi-fresh-through"] == body["fresh_through"]
        assert (body["min_learners"], body["time_zone"]) == (10, "Asia/Tokyo")
        for measure in body["measures"]:
            for part in ("label", "unit", "meaning", "question"):
                assert set(measure[part]) == {"ja", "en"}
        assert body["rows"]
        for row in body["rows"]:
            assert row["learners"] is None or row["learners"] >= 10
            assert row["suppressed"] or row["learners"] is not None


@pytest.mark.parametrize("address", DATA)
def test_csv_has_the_same_cells_as_json(client: httpx.Client, address: str) -> None:
    rows = rows_of(client, address)
    answer = client.get(address + ("&" if "?" in address else "?") + "format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    told = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    texts = {None: "", True: "true", False: "false"}
    assert told == [
        {name: texts[value] if isinstance(value, bool | None) else str(value) for name, value in row.items()}
        for row in rows
    ]


def test_filters_narrow_the_answer(client: httpx.Client) -> None:
    days = rows_of(client, "/api/aggregates/activity?from=2026-04-08&to=2026-04-10&app=drill")
    assert [row["day"] for row in days] == ["2026-04-08", "2026-04-09", "2026-04-10"]
    codes = rows_of(client, "/api/aggregates/success?grade=3&grade=4&subject=算数")
    assert {row["grade"] for row in codes} == {3, 4}
    assert {row["text"] for row in codes} == {"第３節　算数"}
    assert rows_of(client, "/api/aggregates/activity?app=nobody") == []
    assert rows_of(client, "/api/aggregates/activity?app=&grade=&from=") == rows_of(client, "/api/aggregates/activity")


@pytest.mark.parametrize(
    ("address", "parameter", "words"),
    [
        ("activity?form=csv", "form", "known here: app, format, from, grade, subject, to"),
        ("activity?code=8250000000000000", "code", "unknown parameter"),
        ("activity?from=2026-4-1", "from", "YYYY-MM-DD"),
        ("activity?to=20260401", "to", "YYYY-MM-DD"),
        ("activity?from=2026-04-31", "from", "YYYY-MM-DD"),
        ("activity?from=0001-01-01", "from", "YYYY-MM-DD"),
        ("activity?from=2026-04-02&to=2026-04-01", "from", "not be after"),
        ("activity?from=2016-04-02&to=2026-04-01", "from", "at most 1100 days"),
        ("activity?from=2026-04-02&from=2026-04-03", "from", "only once"),
        ("activity?grade=13", "grade", "0 (not known) to 12"),
        ("activity?grade=3&grade=x", "grade", "whole number"),
        ("activity?grade=３", "grade", "whole number"),
        ("activity?subject=math", "subject", "算数"),
        ("activity?app=" + "a" * 129, "app", "128"),
        ("activity?app=%00", "app", "printable"),
        ("activity?format=xml", "format", "csv, json"),
        ("success?code=8250000000000001", "code", "16 characters"),
        ("success?code=82N", "code", "16 characters"),
        ("success?depth=0", "depth", "1 to 13"),
        ("success?depth=14", "depth", "1 to 13"),
        ("success?depth=-1", "depth", "whole number"),
    ],
)
def test_a_bad_parameter_is_named_with_its_rule(client: httpx.Client, address: str, parameter: str, words: str) -> None:
    answer = client.get(f"/api/aggregates/{address}")
    assert answer.status_code == 400
    body = answer.json()
    assert (body["error"], body["parameter"]) == ("bad_parameter", parameter)
    assert words in body["rule"]


def test_a_bad_parameter_of_a_page_is_explained_in_the_readers_language(client: httpx.Client) -> None:
    answer = client.get("/?from=yesterday&lang=ja")
    assert answer.status_code == 400
    assert "YYYY-MM-DD の形の日付" in answer.text
    assert client.get("/curriculum?code=1&lang=en").text.count("16 characters") == 1
    assert client.get("/?lang=fr").status_code == 400


def test_pages_speak_the_language_asked_for(client: httpx.Client) -> None:
    for asked, accepted, expected in [
        ("", "", "ja"),
        ("", "en-GB,en;q=0.9", "en"),
        ("", "fr,ja;q=0.3,en;q=0.7", "en"),
        ("", "en;q=0,ja", "ja"),
        ("?lang=en", "ja", "en"),
    ]:
        answer = client.get(f"/about{asked}", headers={"Accept-Language": accepted})
        assert f'<html lang="{expected}">' in answer.text
        assert answer.headers["content-language"] == expected


@pytest.mark.parametrize("address", [*PAGES, "/nothing-here", "/static/board.css", DATA[0]])
def test_every_answer_is_closed_to_other_hosts(client: httpx.Client, address: str) -> None:
    answer = client.get(address)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", answer.text)
    assert not re.findall(r"<script(?![^>]*\bsrc=)|\bon[a-z]+=|\bstyle=", answer.text)


@pytest.mark.parametrize("address", [*PAGES, f"/curriculum?code={SMALL_CODE}", *DATA, *CHARTS, "/metrics"])
@pytest.mark.parametrize("more", ["", "from=2026-06-01&to=2026-06-01", "grade=9", "app=small"])
def test_no_number_of_a_small_cell_is_in_any_byte(
    board: ServedBoard, client: httpx.Client, address: str, more: str
) -> None:
    """One day of seven learners has 7,919 answers, of which 4,003 right: numbers that cannot come up by chance."""
    if address in {"/about", "/metrics"} and more:
        more = ""
    joined = address + ("&" if "?" in address else "?") + more
    answer = client.get(joined)
    assert answer.status_code in {200, 204}, answer.text
    # What a process says of itself, such as objects collected, may be any number.
    own = "\n".join(line for line in answer.text.splitlines() if line.startswith("ayumi_"))
    texts = [
        own if address == "/metrics" else answer.text,
        client.get(joined + "&lang=en").text if address in PAGES else "",
    ]
    if address in DATA:
        texts.append(client.get(joined + "&format=csv").content.decode("utf-8"))
    texts.append(board.log())
    for text in texts:
        assert not SMALL_NUMBERS.search(text)


def test_small_cells_are_nulls_marked_as_suppressed(client: httpx.Client) -> None:
    (day,) = rows_of(client, "/api/aggregates/activity?from=2026-06-01&to=2026-06-01")
    nothing = {"suppressed": True, "learners": None, "statements": None, "answers": None}
    assert day == {"day": "2026-06-01"} | nothing
    (total,) = rows_of(client, "/api/aggregates/summary?from=2026-06-01&to=2026-06-01")
    assert total == nothing | {"success_rate": None, "days": 0, "suppressed_days": 1}
    cells = rows_of(client, "/api/aggregates/success?grade=9&depth=13")
    assert len(cells) > 3
    assert {(cell["suppressed"], cell["learners"], cell["answers"], cell["success_rate"]) for cell in cells} == {
        (True, None, None, None)
    }
    page = client.get("/curriculum?grade=9&lang=en").text
    assert "not shown" in page
    assert "c-hatch-paper" in page


def test_a_chart_is_an_image_with_words(client: httpx.Client) -> None:
    for address in CHARTS:
        for size in ("narrow", "medium", "wide"):
            answer = client.get(address, params={"size": size, "lang": "ja"})
            assert answer.headers["content-type"].startswith("image/svg+xml")
            root = ET.fromstring(answer.text)  # noqa: S314 - our own drawing
            spoken = [root.findtext(f"{{http://www.w3.org/2000/svg}}{name}") for name in ("title", "desc")]
            assert all(spoken)
            assert "var(" not in answer.text
    assert client.get("/charts/activity.svg?measure=statements").status_code == 400
    assert client.get("/charts/activity.gif").status_code == 404
    assert client.get("/charts/activity.svg?app=nobody").status_code == 204


def test_a_chart_comes_as_png(client: httpx.Client) -> None:
    answer = client.get("/charts/activity.png?lang=en&size=narrow")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert int.from_bytes(answer.content[16:20], "big") == 2 * (320 + 2 * 16)


def test_the_curriculum_shows_the_way_from_subject_to_code(client: httpx.Client) -> None:
    page = client.get(f"/curriculum?code={SMALL_CODE}&lang=ja&grade=9").text
    for step in curriculum().path(SMALL_CODE)[:-1]:
        assert f"code={step.code}" in page
    assert " ".join(curriculum().path(SMALL_CODE)[-1].text.split()) in page
    assert "lang=ja" in page
    assert "grade=9" in page


def test_what_is_not_there_is_said_in_the_askers_form(client: httpx.Client) -> None:
    assert client.get("/nothing-here", headers={"Accept-Language": "en"}).status_code == 404
    assert "There is no such page" in client.get("/nothing-here?lang=en").text
    assert client.get("/api/aggregates/nothing").json() == {"error": "not_found"}
    assert client.post("/api/aggregates/activity").status_code == 405


def test_the_operators_accounting_needs_the_token(board: ServedBoard, client: httpx.Client) -> None:
    for header in ("", "Bearer", "Bearer wrong", f"Basic {board.token}", f"Bearer {board.token}x", "Bearer é"):
        answer = client.get("/operator/tallies", headers={b"Authorization": header.encode()})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert board.token not in answer.text
    answer = client.get("/operator/tallies", headers={"Authorization": f"Bearer {board.token}"})
    counts = HopCounts.from_json(answer.json())
    assert counts.held("activities") == len(ROWS)
    assert {held.rows - held.places for held in counts.tables["activities"].values()} == {0}
    assert answer.json()["facts"]["present"] == len(ROWS)


def test_health_and_metrics_are_served(client: httpx.Client) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json()["ready"] is True
    assert "ayumi_board_query_seconds" in client.get("/metrics").text


def test_a_fault_is_answered_without_its_words(board: ServedBoard, client: httpx.Client) -> None:
    board.command("RENAME TABLE activities TO activities_away")
    try:
        answer = client.get("/api/aggregates/activity?app=first")
        assert (answer.status_code, answer.json()) == (500, {"error": "internal"})
        page = client.get("/?lang=en&from=2026-04-07")
        assert page.status_code == 500
        assert "Something went wrong here" in page.text
        assert page.headers["content-security-policy"]
    finally:
        board.command("RENAME TABLE activities_away TO activities")
    assert client.get("/api/aggregates/activity?app=first").status_code == 200


def test_a_port_in_use_is_told_with_what_to_do(board: ServedBoard, tmp_path: Path) -> None:
    with (
        pytest.raises(BoardFailedError, match=rf"cannot listen on 127.0.0.1:{board.port}.*AYUMI_BOARD__PORT"),
        served_board(tmp_path, port=board.port),
    ):
        pass


def test_the_log_names_routes_and_no_parameters(board: ServedBoard, client: httpx.Client) -> None:
    client.get("/api/aggregates/activity?app=secretly")
    client.get("/secretly")
    assert '"route": "/api/aggregates/activity"' in board.log()
    assert "secretly" not in board.log()
