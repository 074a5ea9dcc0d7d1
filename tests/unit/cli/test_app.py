"""The program's help, and how it tells what is wrong."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lrs.cli.app import app, exit_code
from lrs.cli.log_limits import RepeatLimit
from lrs.cli.panel import flows
from lrs.cli.settings_loading import setting_lines
from lrs.kernel.errors import RefusedError, RetryError, StopError
from lrs.kernel.reasons import Refusal


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 - typer hides it
    subcommands = getattr(command, "commands", {})
    for name, subcommand in subcommands.items():
        yield from commands(subcommand, (*words, name))
    if not subcommands:
        yield words


ALL = sorted(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_each_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"])
    assert shown.exit_code == 0
    assert f"ayumi {' '.join(words)}" in shown.output.split("Example", 1)[1]


def test_help_loads_none_of_the_rooms() -> None:
    code = (
        "import sys; from lrs.cli.app import app; from typer.testing import CliRunner\n"
        "CliRunner().invoke(app, ['--help'])\n"
        "heavy = {'aiokafka', 'faust', 'chdb', 'sqlalchemy', 'starlette', 'pydantic', 'fastavro', 'jgo', 'rocksdict'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_settings_lists_every_setting_for_people_and_for_programs() -> None:
    names = [line.name for line in setting_lines()]
    shown = CliRunner().invoke(app, ["settings"])
    assert [line.split("\t")[0] for line in shown.output.splitlines()] == names
    told = json.loads(CliRunner().invoke(app, ["settings", "--json"]).output)
    assert [entry["name"] for entry in told] == names


def test_an_unknown_part_is_a_usage_error(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["run", "gateway", "reporter", "--dir", str(tmp_path)])
    assert (shown.exit_code, "'reporter' is not a part" in shown.output) == (2, True)


def test_a_part_named_twice_is_a_usage_error(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["run", "board", "board", "--dir", str(tmp_path)])
    assert (shown.exit_code, "named twice" in shown.output) == (2, True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StopError("x", remedy="y"), 2),
        (RefusedError(Refusal.INVALID, "x"), 2),
        (RetryError("broker", "away"), 1),
    ],
)
def test_what_a_person_must_change_first_ends_with_two(error: Exception, code: int) -> None:
    assert exit_code(error) == code


def test_a_library_that_repeats_itself_is_heard_once_and_its_repeats_are_counted() -> None:
    limit = RepeatLimit(every_seconds=1000)

    def record(text: str, *words: object) -> logging.LogRecord:
        return logging.LogRecord("library", logging.ERROR, "", 0, text, words, None)

    assert [limit.filter(record("away: %s", number)) for number in range(5)] == [True, False, False, False, False]
    assert limit.filter(record("back"))
    assert [limit.filter(record("failed: %s", error)) for error in (OSError(), OSError(), KeyError())] == [
        True,
        False,
        True,
    ]
    limit._every = 0  # noqa: SLF001 - time passes
    late = record("away: %s", 6)
    assert limit.filter(late)
    assert late.getMessage() == "away: 6 (and 4 times more)"


def test_the_panel_adds_up_what_a_process_exposes() -> None:
    text = (
        "# TYPE ayumi_recorder_statements_total counter\n"
        'ayumi_recorder_statements_total{outcome="archived"} 7.0\n'
        'ayumi_recorder_statements_total{outcome="refused"} 2.0\n'
        'ayumi_recorder_statements_created{outcome="archived"} 1.7e+09\n'
    )
    assert {title: total for title, total in flows(text).items() if total} == {"received": 9.0, "archived": 7.0}
