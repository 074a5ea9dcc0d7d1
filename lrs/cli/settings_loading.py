"""Reading the settings once, from `ayumi.toml` and the environment, and saying exactly what is wrong with them.

The only module that reads the environment.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from lrs.kernel.errors import StopError
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder

PREFIX = "AYUMI_"
_DELIMITER = "__"


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting as the reference shows it."""

    name: str
    default: str
    meaning: str


def cache_folder() -> Path:
    """Where downloads of this user are kept: `$XDG_CACHE_HOME/ayumi`, or `~/.cache/ayumi`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "ayumi"


def setting_name(room: str, field: str) -> str:
    """The environment variable of a setting: `AYUMI_<ROOM>__<FIELD>`."""
    return f"{PREFIX}{room}{_DELIMITER}{field}".upper()


def setting_lines() -> list[SettingLine]:
    """Every setting with its default and meaning, in the order of the rooms."""
    return [
        SettingLine(setting_name(room, field), _shown(info.default), info.description or "")
        for room, model in _rooms()
        for field, info in model.model_fields.items()
    ]


def load_settings(folder: Path | None = None, **overrides: Mapping[str, Any]) -> Settings:
    """Settings of the zone in `folder`: defaults, its `ayumi.toml`, the environment, then `overrides` by room.

    Raises `StopError` naming the setting and the rule for an unknown key, a bad value or an unreadable file.
    """
    values = _from_file(ZoneFolder(folder).settings) if folder else {}
    origins = [f"{ZoneFolder(folder).settings}"] if values and folder else []
    for layer in (_from_environment(os.environ), overrides):
        for room, fields in layer.items():
            values.setdefault(room, {}).update(fields)
    return _build(values, origins)


def environment_of(settings: Settings, folder: Path | None = None) -> dict[str, str]:
    """The environment in which a child's `load_settings` gives `settings`: ours, and every setting that differs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    base = _build(_from_file(ZoneFolder(folder).settings) if folder else {}, [])
    for room, model in _rooms():
        ours, theirs = getattr(settings, room), getattr(base, room)
        for field in model.model_fields:
            value = getattr(ours, field)
            if value != getattr(theirs, field):
                environment[setting_name(room, field)] = (
                    value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                )
    return environment


def _build(values: Mapping[str, Mapping[str, Any]], origins: list[str]) -> Settings:
    # Room by room: constructing `Settings` itself would read the environment once more, without our checks.
    models = dict(_rooms())
    problems = [f"[{room}] is not a room of settings" for room in values if room not in models]
    rooms: dict[str, Any] = {}
    for room, model in models.items():
        try:
            rooms[room] = model.model_validate(values.get(room, {}))
        except ValidationError as error:
            problems += _problems(room, model, error)
    if problems:
        remedy = f"Correct it in {' or '.join([*origins, 'the environment'])}; `ayumi settings` lists every setting."
        raise StopError("; ".join(problems), remedy=remedy)
    return Settings.model_construct(None, **rooms)


def _rooms() -> Iterator[tuple[str, type[BaseModel]]]:
    for room, info in Settings.model_fields.items():
        model = info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield room, model


def _shown(default: object) -> str:
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    return "" if default is None else str(default)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StopError(
            f"cannot read {path}: {error}", remedy="Correct the file: it is TOML, [room] and field = value."
        ) from error
    for room, fields in values.items():
        if not isinstance(fields, dict):
            raise StopError(f"{path}: {room} is not in a room", remedy=f"Write it under one of {_known_rooms()}.")
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    known = {line.name for line in setting_lines()}
    values: dict[str, dict[str, str]] = {}
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX):
            continue
        if name not in known:
            raise StopError(
                f"{name} is not a setting{_nearest(name, known)}", remedy="`ayumi settings` lists every setting."
            )
        room, _, field = name.removeprefix(PREFIX).lower().partition(_DELIMITER)
        values.setdefault(room, {})[field] = value
    return values


def _nearest(name: str, known: set[str]) -> str:
    import difflib  # noqa: PLC0415 - only for an error

    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _known_rooms() -> str:
    return ", ".join(f"[{room}]" for room, _ in _rooms())


def _problems(room: str, model: type[BaseModel], error: ValidationError) -> Iterator[str]:
    """One sentence for each value that breaks a rule; secrets are never repeated."""
    for detail in error.errors(include_url=False):
        field = str(detail["loc"][0])
        name = setting_name(room, field)
        if detail["type"] == "extra_forbidden":
            yield f"{name} is not a setting"
            continue
        value = "" if _is_secret(model, field) else f" (it is {str(detail['input'])[:80]!r})"
        yield f"{name}: {detail['msg'][:1].lower()}{detail['msg'][1:]}{value}"


def _is_secret(model: type[BaseModel], field: str) -> bool:
    annotation = model.model_fields[field].annotation
    return SecretStr in (annotation, *get_args(annotation))
