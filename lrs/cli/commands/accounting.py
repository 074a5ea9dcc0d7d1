"""`ayumi reconcile`: where every statement is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrs.cli.commands.options import AsJson, ZoneDir

if TYPE_CHECKING:
    from lrs.store.accounting import Balance


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Examples:\n\n  ayumi reconcile ./osaka\n\n  ayumi reconcile ./osaka --json --wait 60")(
        reconcile
    )


def reconcile(
    folder: ZoneDir,
    *,
    as_json: AsJson = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="How long what is on its way may take to arrive, in seconds.")
    ] = 30.0,
) -> None:
    """Hold the log's end against what every hop counted and every table holds.

    received = archived + refused + duplicate; archived = published + withheld; published = loaded, of which retracted
    were voided. Exits 1 when a sum does not come out, naming hop and partition of each gap. The zone must be running.
    """
    found = asyncio.run(_read(folder, wait))
    if as_json:
        typer.echo(json.dumps(_as_json(found)))
    else:
        _print(found)
    if not found.balanced:
        raise typer.Exit(1)


async def _read(folder: Path, wait: float) -> Balance:
    from lrs.cli.reconciling import Accountant, until  # noqa: PLC0415 - see app.py
    from lrs.cli.zone_state import running_zone, settings_of  # noqa: PLC0415
    from lrs.kernel.errors import RetryError, StopError  # noqa: PLC0415
    from lrs.kernel.zone_folder import ZoneFolder  # noqa: PLC0415

    state = running_zone(folder)
    if state is None:
        raise StopError(f"no zone is running in {folder}", remedy=f"Start it with `ayumi up {folder}`, then ask again.")
    async with Accountant(settings_of(folder), ZoneFolder(folder), state["addresses"]) as accountant:
        found = await until(accountant.read, lambda balance: balance.balanced, wait)
    if found is None:
        raise RetryError("the zone", "no part answered")
    return found


def _as_json(found: Balance) -> dict[str, object]:
    from lrs.cli.reconciling import totals  # noqa: PLC0415 - see app.py

    return {
        **totals(found),
        "refused_by_reason": dict(found.refused),
        "withheld_by_reason": dict(found.withheld),
        "balanced": found.balanced,
        "gaps": [gap._asdict() for gap in found.gaps],
    }


def _print(found: Balance) -> None:
    def reasons(counts: dict[str, int]) -> str:
        return f"  ({', '.join(f'{reason} {count:,}' for reason, count in counts.items())})" if counts else ""

    lines = (
        ("received", found.received, ""),
        ("  archived", found.archived, ""),
        ("    published", found.published, ""),
        ("      loaded", found.loaded, f"  (of which retracted {found.retracted:,})"),
        ("    withheld", sum(found.withheld.values()), reasons(dict(found.withheld))),
        ("  refused", sum(found.refused.values()), reasons(dict(found.refused))),
        ("  duplicate", found.duplicate, ""),
    )
    for name, count, note in lines:
        typer.echo(f"{name:<16}{count:>14,}{note}")
    if found.balanced:
        typer.echo("All accounted for.")
    for gap in found.gaps:
        place = f"GAP at {gap.hop}, partition {gap.partition}"
        typer.echo(f"{place}: {gap.meaning}: expected {gap.expected:,}, found {gap.found:,}")
