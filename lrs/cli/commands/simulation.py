"""`ayumi simulate`: a simulated school district that learns, and sends what it did into a running zone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrs.cli.commands.options import AsJson

if TYPE_CHECKING:
    from producers.simulator.run import Report

_EPILOG = """Examples:

  ayumi simulate --dir ./osaka --count 50000

  ayumi simulate --dir ./osaka --rate 500 --truth truth.json

  ayumi simulate --references-only ./district --seed 7

The same seed gives the same bytes. The district's catalogue, roster and consent are loaded first.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(simulate)


def simulate(  # noqa: PLR0913 - the choices of a plan
    folder: Annotated[
        Path | None, typer.Option("--dir", "-d", metavar="DIR", help="The folder of a running zone.", file_okay=False)
    ] = None,
    *,
    count: Annotated[int, typer.Option(min=1, help="Statements to send.")] = 20_000,
    seed: Annotated[str, typer.Option(help="Decides every byte.")] = "1",
    schools: Annotated[int, typer.Option(min=1, help="Schools of the district.")] = 9,
    rate: Annotated[float, typer.Option(min=0, help="Statements a second; 0: as fast as they are taken.")] = 0,
    http_share: Annotated[float, typer.Option(min=0, max=1, help="Part that goes over HTTP; the rest: SDK.")] = 0.3,
    truth: Annotated[Path | None, typer.Option(help="Write what must become of it to this file.")] = None,
    references_only: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Only write the district's reference files into FOLDER.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send the statements of a simulated school district into a running zone."""
    from lrs.cli.simulating import send  # noqa: PLC0415 - see app.py
    from producers.simulator.run import Plan  # noqa: PLC0415

    plan = Plan(count=count, seed=seed, schools=schools, rate=rate, http_share=http_share)
    if references_only:
        for path in plan.district().write_references(references_only):
            typer.echo(str(path))
        return
    if folder is None:
        raise typer.BadParameter("name the running zone with --dir, or use --references-only.")
    report = asyncio.run(send(plan, folder))
    if truth:
        report.truth.write(truth)
    if as_json:
        typer.echo(json.dumps(_as_json(report)))
    else:
        _tell(report)
    if report.unsent or report.surprised:
        raise typer.Exit(1)


def _tell(report: Report) -> None:
    for surprise in report.surprises:
        typer.echo(surprise, err=True)
    typer.echo(f"{report.sent:,} statements sent in {report.seconds:.1f} s: {report.rate:,.0f}/s")
    typer.echo(f"{report.rejected:,} rejected at the door, {report.resent:,} sent again, {report.unsent:,} not sent")


def _as_json(report: Report) -> dict[str, object]:
    return {
        "sent": report.sent,
        "rejected": report.rejected,
        "resent": report.resent,
        "unsent": report.unsent,
        "surprises": report.surprises,
        "seconds": round(report.seconds, 2),
        "rate": round(report.rate),
        "expected": report.truth.counts(),
    }
