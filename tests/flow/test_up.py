"""`ayumi up`: a whole zone under one supervisor, as a user starts it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lrs.cli.probing import fetch, is_ready
from lrs.cli.zone_state import running_zone, settings_of
from lrs.kernel.settings import BrokerSettings
from tests.support.ayumi import RunningZone, ayumi, up
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

PROMISED_SECONDS = 10.0


@pytest.fixture(scope="module")
def zone_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningZone]:
    """A zone with a broker of its own, for all tests that leave it running."""
    with up(tmp_path_factory.mktemp("up") / "zone") as zone:
        yield zone


@pytest.fixture
def on_a_cluster(broker: BrokerSettings, zone: str) -> dict[str, str]:
    """Settings of a zone that uses an existing cluster."""
    return {
        "AYUMI_BROKER__BOOTSTRAP_SERVERS": broker.bootstrap_servers or f"127.0.0.1:{broker.port}",
        "AYUMI_ZONE__NAME": zone,
    }


async def test_every_part_becomes_ready_and_the_state_file_tells_where(zone_of_its_own: RunningZone) -> None:
    await zone_of_its_own.ready()
    state = zone_of_its_own.state
    assert [child["name"] for child in state["children"]] == ["broker", "lrs", "processors", "store"]
    for name in ("lrs", "processors", "store"):
        # A part is not ready for a moment where its broker was away.
        await eventually(lambda address=state["addresses"][name]: is_ready(address))  # type: ignore[misc]
        for path in ("readyz", "healthz", "metrics"):
            status, _ = await fetch(f"{state['addresses'][name]}/{path}", 20)
            assert (name, path, status) == (name, path, 200)
    status, _ = await fetch(state["addresses"]["board"], 20)
    assert status < 400


async def test_other_commands_find_the_ports_of_a_running_zone(zone_of_its_own: RunningZone) -> None:
    await zone_of_its_own.ready()
    assert running_zone(zone_of_its_own.folder) is not None
    settings = settings_of(zone_of_its_own.folder)
    addresses = zone_of_its_own.state["addresses"]
    assert addresses["broker"] == f"127.0.0.1:{settings.broker.port}"
    assert addresses["gateway"].endswith(f":{settings.gateway.port}")
    assert addresses["board"].endswith(f":{settings.board.port}")


async def test_a_second_up_on_the_same_folder_is_refused(zone_of_its_own: RunningZone) -> None:
    await zone_of_its_own.ready()
    second = ayumi("up", str(zone_of_its_own.folder), "--free-ports")
    assert second.returncode == 2
    assert f"a zone already runs on {zone_of_its_own.folder} (process {zone_of_its_own.process.pid})" in second.stderr
    assert "Traceback" not in second.stderr
    assert zone_of_its_own.is_ready


async def test_migrating_a_running_zone_is_refused(zone_of_its_own: RunningZone) -> None:
    await zone_of_its_own.ready()
    done = ayumi("migrate", str(zone_of_its_own.folder))
    assert (done.returncode, "already runs" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["broker", "lrs", "processors", "store"])
async def test_a_killed_child_is_started_again(zone_of_its_own: RunningZone, name: str) -> None:
    await zone_of_its_own.ready()
    before = zone_of_its_own.child(name)
    os.kill(before["pid"], signal.SIGKILL)
    await eventually(lambda: zone_of_its_own.child(name)["restarts"] > before["restarts"])
    await zone_of_its_own.ready()
    assert zone_of_its_own.child(name)["pid"] != before["pid"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_everything_within_ten_seconds(
    tmp_path: Path, on_a_cluster: dict[str, str], number: signal.Signals
) -> None:
    with up(tmp_path / "zone", on_a_cluster) as zone:
        await zone.ready()
        everything = zone.processes()
        zone.process.send_signal(number)
        assert zone.process.wait(PROMISED_SECONDS) == 0
        assert [process for process in everything if process.is_running()] == []
        assert zone.state == {}


async def test_a_signal_while_starting_stops_everything(tmp_path: Path, on_a_cluster: dict[str, str]) -> None:
    with up(tmp_path / "zone", on_a_cluster) as zone:
        await eventually(lambda: bool(zone.state.get("children")))
        everything = zone.processes()
        zone.process.send_signal(signal.SIGINT)
        assert zone.process.wait(PROMISED_SECONDS) == 0
        assert [process for process in everything if process.is_running()] == []


async def test_killing_the_supervisor_leaves_no_process_and_the_folder_can_be_started_again(tmp_path: Path) -> None:
    with up(tmp_path / "zone") as zone:
        await zone.ready()
        everything = zone.processes()
        assert len(everything) == 5
        zone.process.kill()
        zone.process.wait()
        psutil.wait_procs(everything, timeout=PROMISED_SECONDS)
        assert [process for process in everything if process.is_running()] == []
        assert running_zone(zone.folder) is None
    with up(tmp_path / "zone") as again:
        await again.ready()


async def test_a_part_that_refuses_to_begin_ends_the_zone_with_its_reason(
    tmp_path: Path, on_a_cluster: dict[str, str]
) -> None:
    keys = tmp_path / "zone" / "keys"
    keys.mkdir(parents=True)
    (keys / "root.key").write_text("not a key")
    done = ayumi("up", str(tmp_path / "zone"), "--free-ports", settings=on_a_cluster)
    assert done.returncode == 2
    assert "processors refused to go on" in done.stderr
    assert "root.key cannot be read" in done.stderr.splitlines()[-1]
