"""`ayumi up`, `ayumi run`, `ayumi migrate`."""

from __future__ import annotations

from typing import Annotated

import typer

from lrs.cli.commands.options import ZoneDir, ZoneDirOption

PARTS = ("gateway", "recorder", "letters", "processor", "loader", "board", "accountant")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog="Examples:\n\n  ayumi up ./osaka\n\n  ayumi up ./osaka --free-ports\n\n"
        "  AYUMI_GATEWAY__PORT=80 AYUMI_ZONE__HOST=0.0.0.0 ayumi up /srv/ayumi"
    )(up)
    app.command(
        epilog="Examples:\n\n  ayumi run gateway recorder letters --dir /srv/ayumi\n\n"
        "  AYUMI_BROKER__BOOTSTRAP_SERVERS=kafka-1:9092 ayumi run processor --dir /srv/ayumi"
    )(run)
    app.command(epilog="Example:\n\n  ayumi migrate /srv/ayumi")(migrate)


def up(
    folder: ZoneDir,
    *,
    free_ports: Annotated[
        bool, typer.Option("--free-ports", help="Use any free ports; run/zone.json tells which.")
    ] = False,
) -> None:
    """Run a whole zone on this machine: broker, record store, processors, facts and dashboards.

    Everything stops on Ctrl-C. A part that crashes is started again.
    """
    from lrs.cli.up import up as run_zone  # noqa: PLC0415 - see app.py

    run_zone(folder, free_ports=free_ports)


def run(
    parts: Annotated[list[str], typer.Argument(metavar="PART...", help=f"One or more of: {', '.join(PARTS)}.")],
    folder: ZoneDirOption,
    *,
    migrate: Annotated[bool, typer.Option("--migrate", help="Bring the stores to this release first.")] = False,
) -> None:
    """Run parts of a zone in this process, for a zone on many machines.

    The parts share the process; each has an event loop and a thread of its own. Embedded stores belong to one process:
    run gateway with recorder and letters, and loader with board, unless the stores are servers.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown or len(set(parts)) < len(parts):
        problem = f"{unknown[0]!r} is not a part" if unknown else "a part is named twice"
        raise typer.BadParameter(f"{problem}; the parts are {', '.join(PARTS)}.")
    from lrs.cli.process import run_process  # noqa: PLC0415 - see app.py

    run_process(parts, folder, migrate=migrate)


def migrate(
    folder: ZoneDir,
    store: Annotated[str, typer.Option("--store", metavar="NAME", help="Only archive, registry or facts.")] = "",
) -> None:
    """Bring the stores, the registry and a cluster's topics to this release. `ayumi up` does it by itself."""
    from lrs.cli.process import APPLIED, STORES, migrate_zone  # noqa: PLC0415 - see app.py

    if store and store not in STORES:
        raise typer.BadParameter(f"{store!r} is not one of {', '.join(STORES)}.")
    done = migrate_zone(folder, (store,) if store else tuple(STORES))
    for name in done:
        typer.echo(f"{APPLIED}{name}")
    if not done:
        typer.echo("nothing to do")
