"""`ayumi demo`: see a whole zone work, or prove that it does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lrs.cli.demo import Progress

_SHOW_RATE = 200.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Examples:\n\n  ayumi demo\n\n  ayumi demo --once --json\n\n  ayumi demo --once --count 500000")(
        demo
    )


def demo(  # noqa: PLR0913 - the choices of a demonstration
    *,
    once: Annotated[bool, typer.Option("--once", help="Send, wait until all is accounted for, stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: print one JSON line.")] = False,
    count: Annotated[int, typer.Option("--count", min=1, help="Statements to send.")] = 20_000,
    seed: Annotated[int, typer.Option("--seed", help="Decides every byte that is sent.")] = 1,
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0, help="Statements a second; 0: as fast as it goes. Without --once: 200."),
    ] = None,
    http_share: Annotated[
        float, typer.Option("--http-share", min=0, max=1, help="Part that goes over HTTP; the rest uses the SDK.")
    ] = 0.3,
) -> None:
    """Start a zone in a temporary folder and let a simulated school district learn in it.

    Opens the dashboards and goes on until Ctrl-C. With --once it stops by itself and exits 0 only if every statement is
    accounted for and every number equals the simulator's ground truth. All data is synthetic.
    """
    from producers.simulator.run import Plan  # noqa: PLC0415 - see app.py

    plan = Plan(
        count=count, seed=seed, http_share=http_share, rate=(0.0 if once else _SHOW_RATE) if rate is None else rate
    )
    if as_json and not once:
        raise typer.BadParameter("--json goes with --once")
    if once:
        _once(plan, as_json=as_json)
        return
    from lrs.cli.demo_show import show  # noqa: PLC0415 - see app.py

    show(plan)


def _once(plan: object, *, as_json: bool) -> None:
    from lrs.cli.demo import keep_logs, run_once, temporary_zone  # noqa: PLC0415 - see app.py
    from lrs.cli.settings_loading import load_settings  # noqa: PLC0415
    from lrs.kernel.logs import configure_logs  # noqa: PLC0415
    from lrs.kernel.zone_folder import ZoneFolder  # noqa: PLC0415
    from producers.simulator.run import Plan  # noqa: PLC0415

    assert isinstance(plan, Plan)  # noqa: S101 - narrows the type of a lazily imported class
    configure_logs("warning", part="demo")
    with temporary_zone(plan.seed) as folder, _bar(plan.count) as progress:
        outcome = asyncio.run(run_once(plan, folder, load_settings(folder), progress=progress))
        if outcome.differences:
            keep_logs(ZoneFolder(folder))
    if as_json:
        typer.echo(json.dumps(outcome.to_json()))
    else:
        for name, value in outcome.to_json().items():
            typer.echo(f"{name:<20}{value}")
    if outcome.differences:
        raise typer.Exit(1)


@contextlib.contextmanager
def _bar(count: int) -> Iterator[Progress | None]:
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - only for a terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("statements", total=count)
        yield lambda settled, _count: bar.update(task, completed=settled)
