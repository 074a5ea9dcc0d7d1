"""`ayumi top`: the operator's page in a terminal."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from lrs.cli.commands.options import AsJson, ZoneDir

_EPILOG = """Examples:

  ayumi top ./osaka

  ayumi top ./osaka --once --json | jq .streams.received

Exit codes of --once: 0 all is well or something to look at (`state` good or warn), 1 something is wrong (bad), or the
zone could not be asked, 2 no zone runs there.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(top)


def top(
    folder: ZoneDir,
    *,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end; without: live, until Ctrl-C.")] = False,
    as_json: AsJson = False,
    language: Annotated[str, typer.Option("--lang", metavar="LANG", help="en or ja.")] = "en",
) -> None:
    """Show what comes in, what is late, what was refused, and whether everything is accounted for.

    The same numbers as the operator's page, asked of the running zone. --json is the page's data, and implies --once.
    """
    if language not in {"en", "ja"}:
        raise typer.BadParameter(f"{language!r} is not en or ja.", param_hint="--lang")
    from lrs.cli.watching import Watching, live  # noqa: PLC0415 - see app.py

    with Watching(folder) as watching:
        if not (once or as_json):
            live(watching, language)
            return
        seen = watching.now()
        if as_json:
            typer.echo(json.dumps(seen, ensure_ascii=False))
        else:
            from rich.console import Console  # noqa: PLC0415

            from lrs.cli.top_screen import screen  # noqa: PLC0415

            Console().print(screen(seen, language))
    if seen["state"] == "bad":
        raise typer.Exit(1)
