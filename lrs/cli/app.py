"""The `ayumi` program: its commands, and how an error reaches a person.

Commands import what they need when they run: `ayumi --help` loads none of the rooms.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lrs.cli.commands import accounting, backup, credentials, demo, references, refused, settings, simulation, top, zone

app = typer.Typer(
    name="ayumi",
    help="Ayumi (歩み): an event-streaming learning activity record store.",
    epilog="First steps: `ayumi demo` shows a zone with simulated learners, `ayumi up DIR` runs one of your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (demo, zone, top, accounting, refused, backup, settings, credentials, references, simulation):
    module.register(app)


@app.callback(invoke_without_command=True)
def version_option(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False
) -> None:
    """Ayumi (歩み): an event-streaming learning activity record store."""
    if version:
        from lrs import __version__  # noqa: PLC0415 - the help text needs no package metadata

        typer.echo(f"ayumi {__version__}")
        raise typer.Exit


def run() -> None:
    """Run one command and end the process: 0 well, 1 failed, 2 refused (usage, settings, a state to be corrected)."""
    from lrs.kernel.errors import AyumiError  # noqa: PLC0415 - as late as everything

    try:
        app()
    except AyumiError as error:
        sys.stderr.write(f"ayumi: {error}\n")
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)


def exit_code(error: Exception) -> int:
    """2 when a person has to change something first; 1 when the same may work later."""
    from lrs.kernel.errors import RefusedError, StopError  # noqa: PLC0415 - as late as everything

    return 2 if isinstance(error, StopError | RefusedError) else 1
