"""`ayumi backup`, `ayumi restore`, `ayumi verify`, `ayumi rebuild`."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrs.cli.commands.options import AsJson, ZoneDir

if TYPE_CHECKING:
    from lrs.store.backup_manifest import Manifest

Target = Annotated[
    Path, typer.Argument(metavar="TARGET", help="The folder of the backups, best on another disk.", file_okay=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog="Examples:\n\n  ayumi backup ./osaka /mnt/backup/osaka\n\n"
        "  ayumi backup ./osaka /mnt/backup/osaka --keep 14\n\n"
        "  ayumi backup ./osaka /mnt/backup/osaka --keys /media/stick/osaka.keys"
    )(backup)
    app.command(
        epilog="Examples:\n\n  ayumi restore /mnt/backup/osaka --list\n\n"
        "  ayumi restore /mnt/backup/osaka ./osaka-again\n\n"
        "  ayumi restore /mnt/backup/osaka ./osaka-again --at 2026-04-01T03:00+09:00 --keys /media/stick/osaka.keys"
    )(restore)
    app.command(epilog="Example:\n\n  ayumi verify /mnt/backup/osaka")(verify)
    app.command(
        epilog="Examples:\n\n  ayumi rebuild ./osaka\n\n  ayumi rebuild ./osaka --references-from /mnt/backup/osaka"
    )(rebuild)


def backup(
    folder: ZoneDir,
    target: Target,
    *,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            metavar="FILE",
            show_default=False,
            help="Also copy the zone's keys, to a file of their own outside of TARGET. Keep it apart: with both, "
            "whoever finds them knows who the pseudonyms are.",
        ),
    ] = None,
    keep: Annotated[
        int, typer.Option("--keep", min=0, help="Then leave only so many backups, the newest; 0: all of them.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Back up a zone, whether it runs or not: only what is new since the last backup is copied.

    Archive, facts, registry, attachments, catalogue, roster and consent. A store on a server is left out, and said so.
    """
    from lrs.cli.backing_up import BackingUp, one_at_a_time, prune, write_keys  # noqa: PLC0415 - see app.py
    from lrs.cli.backup_text import lines, summary  # noqa: PLC0415
    from lrs.cli.zone_asking import Asking  # noqa: PLC0415
    from lrs.cli.zone_lock import zone_lock  # noqa: PLC0415
    from lrs.cli.zone_log import ZoneLog, read_stopped  # noqa: PLC0415
    from lrs.cli.zone_state import running_zone, settings_of  # noqa: PLC0415
    from lrs.kernel.errors import StopError  # noqa: PLC0415
    from lrs.kernel.logs import configure_logs  # noqa: PLC0415
    from lrs.kernel.zone_folder import ZoneFolder  # noqa: PLC0415
    from lrs.store.backup_vault import Vault  # noqa: PLC0415

    configure_logs("warning", part="backup")
    zone, settings, state = ZoneFolder(folder.resolve()), settings_of(folder), running_zone(folder)
    if not zone.operator_token.exists():
        raise StopError(f"{folder} is no zone's folder", remedy="Name the folder that `ayumi up` was given.")
    addresses = state["addresses"] if state else _addresses(settings)
    vault = Vault(target.resolve())
    with ExitStack() as held:
        held.enter_context(one_at_a_time(zone))
        if addresses is None:
            held.enter_context(zone_lock(zone))
        held.enter_context(vault.writing())
        log = read_stopped(zone, settings) if addresses is None else ZoneLog.read(settings)
        if keys:
            write_keys(zone, keys, target)
        manifest = BackingUp(zone, settings, vault).run(Asking(zone, settings, addresses), log)
        freed = prune(vault, keep) if keep else 0
    if as_json:
        typer.echo(json.dumps(summary(manifest) | {"freed_bytes": freed}))
        return
    for line in lines(manifest, freed):
        typer.echo(line)


def restore(  # noqa: PLR0913 - options
    target: Target,
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            help="An empty folder, or a zone's folder without its stores, of which the log is to go on.",
            file_okay=False,
        ),
    ] = None,
    *,
    at: Annotated[
        str,
        typer.Option(
            "--at", metavar="TIME", show_default=False, help="The newest backup of this time or before; ISO 8601."
        ),
    ] = "",
    show: Annotated[bool, typer.Option("--list", help="List the backups, and restore nothing.")] = False,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FILE", show_default=False, help="The file that `ayumi backup --keys` wrote."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Restore a zone's folder as it was when a backup was taken.

    When the zone then starts and its log still has what came after, everything that came after is put through again.
    """
    from lrs.cli.backup_text import summary, whole_list  # noqa: PLC0415 - see app.py
    from lrs.cli.restoring import check_place, choose, lacks_key, parse_time  # noqa: PLC0415
    from lrs.cli.restoring import restore as put_back  # noqa: PLC0415
    from lrs.cli.zone_lock import zone_lock  # noqa: PLC0415
    from lrs.kernel.zone_folder import ZoneFolder  # noqa: PLC0415
    from lrs.store.backup_vault import Vault  # noqa: PLC0415

    vault = Vault(target.resolve())
    if show:
        found = whole_list(vault)
        typer.echo(json.dumps(found) if as_json else "\n".join(one["line"] for one in found))
        return
    if folder is None:
        raise typer.BadParameter("Name the folder to restore into, or --list.", param_hint="DIR")
    try:
        moment = parse_time(at) if at else None
    except ValueError as error:
        raise typer.BadParameter(f"{at!r} is not an ISO 8601 time.", param_hint="--at") from error
    manifest, zone = choose(vault, moment), ZoneFolder(folder.resolve())
    check_place(zone)
    zone.run.mkdir(exist_ok=True)
    with zone_lock(zone):
        put_back(vault, manifest, zone, keys)
    if as_json:
        typer.echo(json.dumps(summary(manifest)))
        return
    _print_restored(manifest, folder, without_key=lacks_key(zone, manifest))


def verify(target: Target, *, as_json: AsJson = False) -> None:
    """Read every backup in TARGET, and compare each byte with its checksum.

    Exits 1 when a file is missing or is not what it was, naming the file and what it holds.
    """
    from lrs.cli.restoring import verify as read_all  # noqa: PLC0415 - see app.py
    from lrs.store.backup_manifest import paths  # noqa: PLC0415
    from lrs.store.backup_vault import Vault  # noqa: PLC0415

    vault = Vault(target.resolve())
    number = len(paths(vault))
    damage = list(read_all(vault))
    if as_json:
        typer.echo(json.dumps({"backups": number, "damaged": [one._asdict() for one in damage]}))
    else:
        for one in damage:
            typer.echo(f"DAMAGED {one.name} {one.what}: {one.holds}")
        typer.echo(f"{number} backups, {len(damage)} files damaged." if damage else f"{number} backups, all whole.")
    if damage:
        raise typer.Exit(1)


def rebuild(
    folder: ZoneDir,
    *,
    references_from: Annotated[
        Path | None,
        typer.Option(
            "--references-from",
            metavar="TARGET",
            show_default=False,
            file_okay=False,
            help="Take catalogue, roster and consent from the newest backup there, where the log has none.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a zone's log anew from its stores, after the broker's data was lost; or what retention took too early.

    Offsets go on where the stores remember them, so that nothing new is taken for old. `accepted` is filled with the
    archived statements that the facts have not counted. The zone must not run. Doing it again is safe.
    """
    from lrs.cli.backup_text import rebuilt_lines  # noqa: PLC0415 - see app.py
    from lrs.cli.rebuilding import rebuild as make_anew  # noqa: PLC0415
    from lrs.kernel.logs import configure_logs  # noqa: PLC0415
    from lrs.kernel.zone_folder import ZoneFolder  # noqa: PLC0415

    configure_logs("warning", part="rebuild")
    report = make_anew(ZoneFolder(folder.resolve()), references_from)
    if as_json:
        typer.echo(json.dumps(report.to_json()))
        return
    for line in rebuilt_lines(report):
        typer.echo(line)


def _print_restored(manifest: Manifest, folder: Path, *, without_key: bool) -> None:
    typer.echo(f"restored {folder} as of {manifest.at}: {manifest.size / 1e6:,.1f} MB")
    for what in manifest.left_out:
        typer.echo(f"  not in it: {what}")
    if without_key:
        typer.echo("  keys/root.key is not there yet: the zone refuses to start without it")
    typer.echo(
        f"Next: `ayumi up {folder}`. Without the old log: `ayumi rebuild {folder}` first. docs/backup.md tells why."
    )


def _addresses(settings: object) -> dict[str, str] | None:
    """Where the parts are that no supervisor of this folder runs; None when nobody said that there are any."""
    from lrs.cli.accountant_part import addresses  # noqa: PLC0415 - see app.py
    from lrs.kernel.settings import Settings  # noqa: PLC0415

    if not isinstance(settings, Settings) or not settings.accountant.archive_url:
        return None
    return addresses(settings)
