"""Start and stop of the gateway: what was acknowledged before is known after."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from lrs.kernel.settings import BrokerSettings
from lrs.kernel.zone_folder import ZoneFolder
from lrs.store.registry import open_registry
from tests.support.http_zone import client_of, http_zone, new_id, ready, statement, zone_settings
from tests.support.lrs_process import lrs_process
from tests.support.received_log import read_received
from tests.support.waiting import eventually


async def test_after_a_kill_the_gateway_knows_every_acknowledged_id_before_it_is_ready(
    broker: BrokerSettings, zone: str, tmp_path: Path
) -> None:
    settings = zone_settings(broker, zone)
    sent = [statement(id=new_id()) for _ in range(200)]
    with http_zone(tmp_path, settings) as running:
        async with client_of(running) as client:
            await eventually(lambda: ready(client))
            posts = [client.post("/xAPI/statements", json=sent[start : start + 20]) for start in range(0, 200, 20)]
            assert {answer.status_code for answer in await asyncio.gather(*posts)} == {200}
    # killed: some of it may be acknowledged and neither archived nor in the index
    with http_zone(tmp_path, settings) as running:
        async with client_of(running) as client:
            await eventually(lambda: ready(client))
            other = [statement(id=one["id"], result={"success": True}) for one in sent]
            answers = await asyncio.gather(*(client.post("/xAPI/statements", json=one) for one in other[:20]))
            assert {answer.status_code for answer in answers} == {409}
            again = await client.post("/xAPI/statements", json=sent[:50])
            assert again.status_code == 200
            listed = await client.get("/xAPI/statements", params={"limit": "500"})
            assert {one["id"] for one in listed.json()["statements"]} == {one["id"] for one in sent}
    assert len(await read_received(broker, settings.zone.name)) == 200


async def test_at_a_stop_what_is_under_way_is_answered(broker: BrokerSettings, zone: str, tmp_path: Path) -> None:
    settings = zone_settings(broker, zone)
    ZoneFolder(tmp_path).prepare()
    registry = open_registry(settings, ZoneFolder(tmp_path))
    auth = registry.credentials.add("drill-a")
    registry.close()
    with lrs_process(tmp_path, settings) as (url, process):
        async with httpx.AsyncClient(
            base_url=url, auth=auth, headers={"X-Experience-API-Version": "1.0.3"}, timeout=60
        ) as client:
            await eventually(lambda: ready(client))
            first = await client.post("/xAPI/statements", json=statement())
            assert first.status_code == 200
            posts = [asyncio.create_task(client.post("/xAPI/statements", json=statement())) for _ in range(20)]
            await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
            process.terminate()
            answers = await asyncio.gather(*posts, return_exceptions=True)
        assert await asyncio.to_thread(process.wait, 60) == 0
    acknowledged = [one for one in answers if isinstance(one, httpx.Response) and one.status_code == 200]
    assert acknowledged
    assert len(await read_received(broker, settings.zone.name)) >= len(acknowledged) + 1
