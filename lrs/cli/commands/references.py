"""`ayumi catalogue load`, `ayumi roster load`, `ayumi consent load`: what the processors look up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrs.cli.commands.options import AsJson, ZoneDirOption

if TYPE_CHECKING:
    from producers.references import LoadReport

_SHOWN = 50

CsvFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="CSV with a header row, UTF-8.", exists=True, dir_okay=False, readable=True),
]


def register(app: typer.Typer) -> None:
    """Add the groups."""
    for noun, (command, meaning) in {
        "catalogue": (load_catalogue, "What each activity is about."),
        "roster": (load_roster, "Where each learner is at school."),
        "consent": (load_consent, "What each learner's data may be used for."),
    }.items():
        group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=meaning)
        group.callback()(_group)
        epilog = f"Example:\n\n  ayumi {noun} load {noun}.csv --dir ./osaka\n\n"
        epilog += "Rows that break a rule are told with line, column and rule; all others are loaded. Exit code 1 then."
        group.command(name="load", epilog=epilog)(command)
        app.add_typer(group, name=noun)


def load_catalogue(file: CsvFile, folder: ZoneDirOption, *, as_json: AsJson = False) -> None:
    """Load a catalogue: activity_id, curriculum_code, subject, item_type, title. A row replaces the one before."""
    _load("catalogue", file, folder, as_json=as_json)


def load_roster(file: CsvFile, folder: ZoneDirOption, *, as_json: AsJson = False) -> None:
    """Load a roster: a learner's account, school_code, grade, class_name. A row replaces the one before."""
    _load("roster", file, folder, as_json=as_json)


def load_consent(file: CsvFile, folder: ZoneDirOption, *, as_json: AsJson = False) -> None:
    """Load decisions; for each learner and purpose the latest counts. A withdrawal works within seconds."""
    _load("consent", file, folder, as_json=as_json)


def _group() -> None:
    """Keeps `load` a subcommand: a group with a single command would swallow its name."""


def _load(noun: str, file: Path, folder: Path, *, as_json: bool) -> None:
    from lrs.cli.zone_state import running_zone, settings_of  # noqa: PLC0415 - see app.py
    from lrs.kernel.errors import StopError  # noqa: PLC0415
    from lrs.kernel.logs import configure_logs  # noqa: PLC0415
    from producers import references  # noqa: PLC0415

    configure_logs("warning", part="load")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters reaches the person as one sentence
    settings = settings_of(folder)
    if not settings.broker.bootstrap_servers and running_zone(folder) is None:
        raise StopError(f"no zone runs on {folder}", remedy=f"Start it first: ayumi up {folder}")
    load: Callable[..., Any] = getattr(references, f"load_{noun}")
    with _shown(f"Loading {file.name}", file.stat().st_size) as progress:
        report: LoadReport = asyncio.run(load(file, settings.broker, settings.zone.name, progress))
    if as_json:
        typer.echo(json.dumps(_as_json(report), ensure_ascii=False))
    else:
        _tell(report)
    if report.refused:
        raise typer.Exit(1)


def _tell(report: LoadReport) -> None:
    for notice in report.notices[:_SHOWN]:
        typer.echo(f"line {notice.line}: {notice.text}", err=True)
    for row in report.refused[:_SHOWN]:
        typer.echo(f"line {row.line}: {row.column + ': ' if row.column else ''}{row.rule}", err=True)
    hidden = max(0, len(report.refused) - _SHOWN) + max(0, len(report.notices) - _SHOWN)
    if hidden:
        typer.echo(f"... and {hidden:,} more; --json shows all", err=True)
    typer.echo(f"{report.loaded:,} rows loaded, {len(report.refused):,} refused")


def _as_json(report: LoadReport) -> dict[str, Any]:
    return {
        "loaded": report.loaded,
        "refused": [{"line": row.line, "column": row.column, "rule": row.rule} for row in report.refused],
        "notices": [{"line": notice.line, "text": notice.text} for notice in report.notices],
    }


@contextlib.contextmanager
def _shown(title: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar over the bytes of the file; `load` tells how many it has read in all."""
    from lrs.cli.progress_bars import bytes_bar  # noqa: PLC0415 - see app.py

    done = 0
    with bytes_bar(title, size) as advance:

        def told(read: int) -> None:
            nonlocal done
            advance(read - done)
            done = read

        yield told
