"""What `run/zone.json` says about a running zone, for programs that talk to it."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrs.cli.settings_loading import load_settings
from lrs.kernel.settings import Settings
from lrs.kernel.zone_folder import ZoneFolder


def write_zone_state(path: Path, state: Mapping[str, Any]) -> bool:
    """Write the state file whole or not at all; False while its disk is full, which must not end a supervisor."""
    draft = path.with_suffix(".new")
    try:
        draft.write_text(json.dumps(state, indent=2) + "\n", "utf-8")
        draft.replace(path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return False
    return True


def running_zone(folder: Path) -> dict[str, Any] | None:
    """The state file of the zone in `folder` while its supervisor lives."""
    try:
        state: dict[str, Any] = json.loads((ZoneFolder(folder).run / "zone.json").read_text("utf-8"))
        os.kill(state["pid"], 0)
    except PermissionError:
        return state
    except (OSError, ValueError, KeyError):
        return None
    return state


def settings_of(folder: Path) -> Settings:
    """The settings of the zone in `folder`, with the ports that it runs on when it does."""
    state = running_zone(folder)
    if state is None:
        return load_settings(folder)
    settings = load_settings(folder, zone={"name": state["zone"]})
    addresses = state["addresses"]
    ports = {room: int(addresses[room].rpartition(":")[2]) for room in ("gateway", "board")}
    rooms = {room: {"port": port} for room, port in ports.items()}
    if not settings.broker.bootstrap_servers:
        rooms["broker"] = {"port": int(addresses["broker"].rpartition(":")[2])}
    return load_settings(folder, zone={"name": state["zone"]}, **rooms)
