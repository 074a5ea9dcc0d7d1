"""A board before the first record, and the moment it comes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx

from tests.support.board import served_board

if TYPE_CHECKING:
    from pathlib import Path


def test_the_commands_that_an_empty_board_names_are_those_of_the_command_line(tmp_path: Path) -> None:
    with served_board(tmp_path) as board:
        page = httpx.get(board.url, timeout=20).text
    commands = [line.split() for line in re.findall(r"^(?:.*<code>)?(ayumi [a-zA-Z. -]+)", page, re.MULTILINE)]
    assert len(commands) == 5
    for _, *words in commands:
        names = words[:1] if len(words) == 1 else words[:2]
        shown = subprocess.run(
            [sys.executable, "-m", "lrs.cli", *names, "--help"], capture_output=True, text=True, check=True
        ).stdout
        given = words[len(names) :]
        assert all(option in shown for option in given if option.startswith("--")), words
        # What a FILE or an APP is, is told by the usage line; a folder that came there would be taken for one.
        assert not given or len(given) == 3 == given.index("--dir") + 2, words


def test_an_empty_board_says_what_to_do_next_and_then_shows_the_first_records(tmp_path: Path) -> None:
    with served_board(tmp_path) as board, httpx.Client(base_url=board.url, timeout=20) as client:
        for address in ("/", "/curriculum"):
            page = client.get(address, params={"lang": "en"}).text
            assert "No learning records yet" in page
            assert "/xAPI" in page
        assert client.get("/api/aggregates/activity").json()["fresh_through"] is None
        assert client.get("/api/aggregates/summary").json()["rows"][0]["learners"] == 0
        assert client.get("/charts/activity.svg").status_code == 204
        board.load(count=400, learners=30)
        deadline = time.monotonic() + 20
        while client.get("/api/aggregates/activity").json()["fresh_through"] is None:
            assert time.monotonic() < deadline
        assert "No learning records yet" not in client.get("/", params={"lang": "en"}).text
