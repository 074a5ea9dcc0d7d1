"""`ayumi settings`."""

from __future__ import annotations

import json
import sys

import typer

from lrs.cli.commands.options import AsJson


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="settings", epilog="Examples:\n\n  ayumi settings\n\n  ayumi settings --json")(show_settings)


def show_settings(*, as_json: AsJson = False) -> None:
    """List every setting: its environment variable, its default, its meaning.

    AYUMI_GATEWAY__PORT in the environment is port under [gateway] in the zone's ayumi.toml; the environment wins.
    """
    from lrs.cli.settings_loading import setting_lines  # noqa: PLC0415 - see app.py

    lines = setting_lines()
    if as_json:
        entries = [{"name": line.name, "default": line.default, "meaning": line.meaning} for line in lines]
        typer.echo(json.dumps(entries, ensure_ascii=False, indent=2))
        return
    if not sys.stdout.isatty():
        for line in lines:
            typer.echo(f"{line.name}\t{line.default}\t{line.meaning}")
        return
    from rich.console import Console  # noqa: PLC0415 - only for a terminal
    from rich.table import Table  # noqa: PLC0415

    table = Table("setting", "default", "meaning", box=None, pad_edge=False)
    for line in lines:
        table.add_row(line.name, line.default, line.meaning)
    Console().print(table)
