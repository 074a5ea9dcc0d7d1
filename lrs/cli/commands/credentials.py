"""`ayumi credential add|list|quota|revoke`: who may do what over HTTP, and how much."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrs.cli.commands.options import AsJson, ZoneDirOption

if TYPE_CHECKING:
    from lrs.store.registry import Quota, Registry


PerSecond = Annotated[
    float | None,
    typer.Option(
        "--quota",
        metavar="N",
        show_default=False,
        help="Statements a second that the app may send, with all its keys together; more is answered 429.",
    ),
]
AtOnce = Annotated[
    int | None,
    typer.Option(
        "--burst",
        metavar="N",
        show_default=False,
        help="Statements at once after a pause; without: ten seconds' worth.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who may do what over HTTP.")
    group.command(
        epilog="Example:\n\n  ayumi credential add drill-a --dir ./osaka\n\n"
        "ayumi credential add dashboard --scope statements/read --dir ./osaka\n\n"
        "ayumi credential add drill-b --quota 200 --dir ./osaka\n\n"
        "The secret is shown once and not kept. An app sends key and secret as user and password of HTTP Basic."
    )(add)
    group.command(name="list", epilog="Example:\n\n  ayumi credential list --dir ./osaka --json")(show)
    group.command(
        name="quota",
        epilog="Example:\n\n  ayumi credential quota drill-a --quota 200 --burst 5000 --dir ./osaka\n\n"
        "ayumi credential quota drill-a --none --dir ./osaka",
    )(change_quota)
    group.command(epilog="Example:\n\n  ayumi credential revoke 3f0a... --dir ./osaka")(revoke)
    app.add_typer(group, name="credential")


def add(  # noqa: PLR0913 - one for each option
    name: Annotated[str, typer.Argument(metavar="APP", help="The app's name: a-z, 0-9, dot, hyphen, underscore.")],
    folder: ZoneDirOption,
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE",
            show_default=False,
            help="What it may do, once each: statements/write, statements/read/mine, statements/read, state, profile, "
            "all/read, all. Without: statements/write, statements/read/mine, state and profile.",
        ),
    ] = None,
    quota: PerSecond = None,
    burst: AtOnce = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and a secret for an app."""
    from lrs.store.registry.scopes import read_scopes  # noqa: PLC0415 - see app.py

    scopes = read_scopes(scope or ())  # before a folder is made for nothing
    wanted = _quota(quota, burst)
    with _registry(folder) as registry:
        key, secret = registry.credentials.add(name, scopes=scopes, quota=wanted)
        wanted = registry.credentials.quotas().get(name)
    if as_json:
        made = {"app": name, "key": key, "secret": secret, "scopes": _scopes(scopes), "quota": _quota_json(wanted)}
        typer.echo(json.dumps(made))
    else:
        typer.echo(f"app     {name}\nkey     {key}\nsecret  {secret}\nscopes  {' '.join(_scopes(scopes))}")
        typer.echo(f"quota   {_quota_text(wanted)}")


def show(folder: ZoneDirOption, *, as_json: AsJson = False) -> None:
    """List all credentials, the revoked ones too."""
    with _registry(folder) as registry:
        found = registry.credentials.list()
        quotas = registry.credentials.quotas()
    if as_json:
        rows = [
            {
                "app": one.app,
                "key": one.key,
                "scopes": _scopes(one.scopes),
                "created_at": _time(one.created_at_ms),
                "revoked_at": _time(one.revoked_at_ms),
                "quota": _quota_json(quotas.get(one.app)),
            }
            for one in found
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for one in found:
        state = f"revoked {_time(one.revoked_at_ms)}" if one.revoked_at_ms else "valid"
        about = (_time(one.created_at_ms), state, " ".join(_scopes(one.scopes)), _quota_text(quotas.get(one.app)))
        typer.echo("\t".join((one.app, one.key, *map(str, about))))


def change_quota(
    name: Annotated[str, typer.Argument(metavar="APP", help="The app's name.")],
    folder: ZoneDirOption,
    *,
    quota: PerSecond = None,
    burst: AtOnce = None,
    none: Annotated[bool, typer.Option("--none", help="The app has no quota of its own any more.")] = False,
) -> None:
    """Show, set or end the quota of an app, at once and in every process."""
    if none and (quota or burst):
        raise typer.BadParameter("--none stands alone")
    wanted = _quota(quota, burst)
    with _registry(folder) as registry:
        if none or wanted is not None:
            registry.credentials.set_quota(name, wanted)
        typer.echo(f"{name}\t{_quota_text(registry.credentials.quotas().get(name))}")


def revoke(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="The credential's key, as `ayumi credential list` shows it.")
    ],
    folder: ZoneDirOption,
) -> None:
    """End a credential, at once and in every process."""
    from lrs.kernel.errors import StopError  # noqa: PLC0415 - see app.py

    with _registry(folder) as registry:
        if not registry.credentials.revoke(key):
            raise StopError(f"no valid credential has the key {key}", remedy="`ayumi credential list` shows them.")
    typer.echo(f"revoked {key}")


@contextlib.contextmanager
def _registry(folder: Path) -> Iterator[Registry]:
    from lrs.cli.settings_loading import load_settings  # noqa: PLC0415 - see app.py
    from lrs.kernel.zone_folder import ZoneFolder  # noqa: PLC0415
    from lrs.store.registry import open_registry  # noqa: PLC0415

    zone = ZoneFolder(folder.resolve())
    zone.prepare()
    registry = open_registry(load_settings(folder), zone)
    try:
        yield registry
    finally:
        registry.close()


def _quota(per_second: float | None, burst: int | None) -> Quota | None:
    from lrs.store.registry.quotas import make_quota  # noqa: PLC0415 - see app.py

    if per_second is None and burst is not None:
        raise typer.BadParameter("--burst goes with --quota")
    return None if per_second is None else make_quota(per_second, burst)


def _quota_json(quota: Quota | None) -> dict[str, float] | None:
    return None if quota is None else quota._asdict()


def _quota_text(quota: Quota | None) -> str:
    if quota is None:
        return "no quota of its own"
    return f"{quota.statements_per_second:g} statements/s, {quota.burst} at once"


def _scopes(words: Sequence[str]) -> list[str]:
    """The scopes in effect."""
    from lrs.store.registry.scopes import DEFAULT_SCOPES  # noqa: PLC0415 - see app.py

    return list(words or DEFAULT_SCOPES)


def _time(milliseconds: int | None) -> str | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds") if milliseconds else None
