"""`ayumi reconcile`: where every statement is."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrs.cli.commands.options import AsJson, ZoneDir

if TYPE_CHECKING:
    from lrs.cli.reconciliation import Report


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog="Examples:\n\n  ayumi reconcile ./osaka\n\n  ayumi reconcile ./osaka --since 2026-04-01 --json\n\n"
        "  ayumi reconcile ./osaka --from-log --wait 60"
    )(reconcile)


def reconcile(
    folder: ZoneDir,
    *,
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="ISO",
            help="Compare hour by hour from this time of `stored` on, such as 2026-04-01T09:00+09:00; without offset: "
            "UTC. The sums of all time are compared in any case.",
        ),
    ] = "",
    from_log: Annotated[
        bool,
        typer.Option(
            "--from-log", help="Decide every record that is still on the log anew, not only where a sum is off."
        ),
    ] = False,
    as_json: AsJson = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="How long what is on its way may take to arrive, in seconds.")
    ] = 30.0,
) -> None:
    """Hold the log against what every hop counted and every table holds, for each app and hour.

    received = archived + refused + duplicate; archived = published + withheld; published = loaded, of which retracted
    were voided. Exits 1 when a sum does not come out, naming hop, app, hour, partition and offsets of each gap. The
    zone must be running.
    """
    found = asyncio.run(_run(folder, wait, _hour(since), from_log=from_log))
    if as_json:
        from lrs.cli.reconciliation_text import as_json as told  # noqa: PLC0415 - see app.py

        typer.echo(json.dumps(told(found), ensure_ascii=False))
    else:
        from lrs.cli.reconciliation_text import lines  # noqa: PLC0415

        for line in lines(found):
            typer.echo(line)
    if not found.balanced:
        raise typer.Exit(1)


def _hour(since: str) -> int:
    """The beginning of the hour, in Unix seconds; 0 for nothing."""
    if not since:
        return 0
    try:
        at = datetime.fromisoformat(since)
        seconds = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{since!r} is not an ISO 8601 time.", param_hint="--since") from error
    if not 0 <= seconds < 4_102_444_800:
        raise typer.BadParameter("It must lie between 1970 and 2100.", param_hint="--since")
    return seconds // 3600 * 3600


async def _run(folder: Path, wait: float, since: int, *, from_log: bool) -> Report:
    from lrs.cli.accountant_part import addresses  # noqa: PLC0415 - see app.py
    from lrs.cli.progress_bars import count_bar  # noqa: PLC0415
    from lrs.cli.reconciliation import Reconciliation  # noqa: PLC0415
    from lrs.cli.reconciling import Accountant  # noqa: PLC0415
    from lrs.cli.zone_state import running_zone, settings_of  # noqa: PLC0415
    from lrs.kernel.errors import StopError  # noqa: PLC0415
    from lrs.kernel.zone_folder import ZoneFolder  # noqa: PLC0415

    state, settings = running_zone(folder), settings_of(folder)
    if state is None and not settings.accountant.archive_url:
        remedy = (
            f"Start it with `ayumi up {folder}`, then ask again. Where its parts run on machines of their own, say in "
            "AYUMI_ACCOUNTANT__ARCHIVE_URL and AYUMI_ACCOUNTANT__FACTS_URL where gateway and board are."
        )
        raise StopError(f"no zone is running in {folder}", remedy=remedy)
    async with Accountant(settings, ZoneFolder(folder), addresses(settings)) as accountant:
        run = Reconciliation(accountant, settings, count_bar)
        return await run.run(wait_seconds=wait, since=since, from_log=from_log)
