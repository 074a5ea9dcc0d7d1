"""Tells Prometheus where the processes of a zone are: a file of targets in the zone's folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrs.cli.plan import ProcessPlan
    from lrs.kernel.zone_folder import ZoneFolder


def write_targets(folder: ZoneFolder, zone: str, plans: Sequence[ProcessPlan], addresses: Mapping[str, str]) -> None:
    """Write `targets.json` in the form of Prometheus's `file_sd_configs`, whole or not at all.

    It stays when the zone stops: a zone that is not there any more must be missed.
    """
    groups = [
        {
            "targets": [addresses[plan.name].removeprefix("http://")],
            "labels": {"zone": zone, "process": plan.name},
        }
        for plan in plans
    ]
    draft = folder.targets.with_suffix(".new")
    draft.write_text(json.dumps(groups, indent=2) + "\n", "utf-8")
    draft.replace(folder.targets)
