"""Acknowledged means durable: whatever is killed at the answer, everything that was acknowledged is read again."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from lrs.kernel.settings import BrokerSettings
from tests.support.apart import apart
from tests.support.ayumi import ayumi, up
from tests.support.killing import Tally, kill_apart, kill_child

pytestmark = pytest.mark.timeout(600)


async def test_after_kills_of_record_store_and_broker_everything_acknowledged_is_readable(tmp_path: Path) -> None:
    with up(tmp_path / "zone") as zone:
        await zone.ready()
        made = json.loads(ayumi("credential", "add", "drill", "--dir", str(zone.folder), "--json").stdout)
        for victim in ("lrs", "broker"):
            tally = Tally(victim)
            await kill_child(zone, (made["key"], made["secret"]), tally, random.Random(victim), kills=1, say=print)
            assert tally.kept
            assert not tally.lost


async def test_after_a_kill_of_either_process_of_a_zone_apart_everything_acknowledged_is_readable(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    with apart(tmp_path / "apart", f"127.0.0.1:{broker.port}", zone) as parts:
        await parts.open(gateways=1)
        for victim in ("recorder", "gateway-1"):
            tally = Tally(victim)
            await kill_apart(parts, tally, random.Random(victim), kills=1, say=print)
            assert tally.kept
            assert not tally.lost
