"""`ayumi refused list|show|replay`: the statements that broke a rule."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrs.cli.commands.options import AsJson, ZoneDir

if TYPE_CHECKING:
    from collections.abc import Mapping

App = Annotated[str, typer.Option("--app", metavar="APP", help="Only what this app sent.", show_default=False)]
Reason = Annotated[
    str,
    typer.Option(
        "--reason",
        metavar="REASON",
        show_default=False,
        help="Only this reason: not_json, invalid, too_large, conflict, wrong_envelope or wrong_partition.",
    ),
]
Since = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="TIME",
        show_default=False,
        help="Only what was refused since: 90m, 2h, 3d or 2026-05-01T09:00:00+09:00.",
    ),
]

_BATCH = 500


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The statements that broke a rule.")
    group.command(
        name="list",
        epilog="Examples:\n\n  ayumi refused list ./osaka\n\n"
        "  ayumi refused list ./osaka --app drill-a --reason invalid --since 2h --json",
    )(show_list)
    group.command(name="show", epilog="Example:\n\n  ayumi refused show ./osaka 3/1204")(show_one)
    group.command(
        epilog="Examples:\n\n  ayumi refused replay ./osaka --reason too_large\n\n"
        "  ayumi refused replay ./osaka --app drill-a --since 3d --limit 1000"
    )(replay)
    app.add_typer(group, name="refused")


def show_list(  # noqa: PLR0913 - options
    folder: ZoneDir,
    *,
    app: App = "",
    reason: Reason = "",
    since: Since = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many to list.")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were replayed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List refused statements, the newest first, and how many there are of each reason. Times are UTC.

    What was replayed is left out. The zone must be running.
    """
    from lrs.cli.refusing import RefusedLetters  # noqa: PLC0415 - see app.py

    asked = _asked(app, reason, since) | {"limit": str(limit), "all": str(int(everything))}
    with RefusedLetters(folder) as letters:
        page = letters.page(asked)
    if as_json:
        typer.echo(json.dumps(page, indent=2))
    else:
        _print_page(page)


def show_one(
    folder: ZoneDir,
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="Partition and offset as `list` shows them, such as 3/1204.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one refused statement: where it lay, what it breaks, and what was sent, indented.

    It holds what an app sent about a person: take care who sees your screen.
    """
    from lrs.cli.refusing import RefusedLetters  # noqa: PLC0415 - see app.py
    from lrs.store.dead_letters import SOURCES  # noqa: PLC0415

    found = re.fullmatch(rf"(?:({'|'.join(SOURCES)}):)?([0-9]+)/([0-9]+)", place)
    if found is None:
        raise typer.BadParameter(f"{place!r} is no place; `ayumi refused list` shows them, such as 3/1204.")
    with RefusedLetters(folder) as letters:
        letter = letters.one(found[1] or "received", found[2], found[3])
    if as_json:
        typer.echo(json.dumps(letter, indent=2))
    else:
        _print_one(letter)


def replay(  # noqa: PLR0913 - options
    folder: ZoneDir,
    *,
    app: App = "",
    reason: Reason = "",
    since: Since = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many at most, the oldest first; 0: all.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Judge refused statements by today's rules, and put those that pass on the log anew.

    With their id, their app and the time they first came in. A statement that is stored by now changes nothing; one
    that still breaks a rule, or whose id is taken by other content, stays refused. Doing it again is safe.
    """
    from lrs.cli.progress_bars import count_bar  # noqa: PLC0415 - see app.py
    from lrs.cli.refusing import RefusedLetters  # noqa: PLC0415

    asked = _asked(app, reason, since)
    sums: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    with RefusedLetters(folder) as letters:
        total = letters.page(asked | {"limit": "1"})["counts"]["total"]
        with count_bar("replaying", min(total, limit) if limit else total) as advance:
            for report in letters.replay(asked, limit or None, _BATCH):
                sums.update({name: report[name] for name in ("read", "replayed", "stored")})
                refused.update(report["refused"])
                advance(report["read"])
    if as_json:
        typer.echo(json.dumps({name: sums[name] for name in ("read", "replayed", "stored")} | {"refused": refused}))
        return
    typer.echo(f"read            {sums['read']:>12,}")
    typer.echo(f"replayed        {sums['replayed']:>12,}")
    typer.echo(f"stored already  {sums['stored']:>12,}")
    typer.echo(f"still refused   {refused.total():>12,}{_in_brackets(refused)}")


def _asked(app: str, reason: str, since: str) -> dict[str, str]:
    """The filters, checked by the rules that the zone has for them. Raises `RefusedError`."""
    from lrs.api.letters.filters import read_filter  # noqa: PLC0415 - see app.py

    asked = {name: value for name, value in (("app", app), ("reason", reason), ("since", since)) if value}
    read_filter(asked, time.time_ns() // 1_000_000)
    return asked


def _print_page(page: Mapping[str, Any]) -> None:
    counts = page["counts"]
    typer.echo(f"{counts['total']:,} refused{_in_brackets(counts['reasons'])}")
    for letter in page["letters"]:
        prefix = "" if letter["source"] == "received" else f"{letter['source']}:"
        place = f"{prefix}{letter['partition']}/{letter['offset']}"
        again = f"  (replayed {letter['replayed_at']})" if letter["replayed_at"] else ""
        who = letter["app"] or "-"
        line = (
            f"{letter['refused_at']}  {place:<12} {who:<16} {letter['reason']:<16} {letter['path']}: {letter['rule']}"
        )
        typer.echo(_line(line) + again)
    if page["after"]:
        typer.echo("... there are more: --limit, --app, --reason, --since")


def _print_one(letter: Mapping[str, Any]) -> None:
    lines = {
        "place": f"{letter['source']} {letter['partition']}/{letter['offset']}",
        "app": letter["app"] or "(could not be read)",
        "id": letter["statement_id"] or "(could not be read)",
        "came in": f"{letter['stored_at']} by {letter['entrance'] or 'an unknown way'}",
        "refused": letter["refused_at"],
        "replayed": letter["replayed_at"] or "no",
        "reason": letter["reason"],
        "path": letter["path"],
        "rule": letter["rule"],
    }
    for name, value in lines.items():
        typer.echo(f"{name:<10}{_line(value)}")
    typer.echo(f"\n{letter['statement']}")
    if letter["statement_bytes_left_out"]:
        typer.echo(f"... and {letter['statement_bytes_left_out']:,} bytes more: --json has all of it in base64")


def _line(text: str) -> str:
    """A stranger's text on one line, with nothing in it that moves a terminal's cursor."""
    from lrs.kernel.readable import visible  # noqa: PLC0415 - see app.py

    return visible(text).replace("\n", "\\n")


def _in_brackets(counts: Mapping[str, int]) -> str:
    return f"  ({', '.join(f'{reason} {count:,}' for reason, count in sorted(counts.items()))})" if counts else ""
