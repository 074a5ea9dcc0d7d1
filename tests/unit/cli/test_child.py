"""A supervised process: started again when it ends by itself, not when it refuses, never left behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from lrs.cli.child import Child, ChildState, back_off_seconds, exits_in_a_row
from lrs.cli.children import end, spawn
from lrs.kernel.errors import StopError
from tests.support.waiting import eventually

SLEEP = "import time; time.sleep(600)"


def python(code: str, output: Path) -> subprocess.Popen[bytes]:
    return spawn([sys.executable, "-c", code], output=output)


def child_of(code: Callable[[], str], output: Path) -> Child:
    async def launch() -> subprocess.Popen[bytes]:
        return python(code(), output)

    async def always() -> bool:
        return True

    return Child("part", launch, always, last_words=_words)


def _words() -> str:
    return "the key is gone. Restore it."


async def finish(child: Child, supervision: asyncio.Task[None]) -> None:
    child.let_go()
    if child.process:
        await end(child.process, 0)
    await supervision
    assert child.state is ChildState.STOPPED


async def test_a_child_that_is_killed_is_started_again(tmp_path: Path) -> None:
    child = child_of(lambda: SLEEP, tmp_path / "out")
    supervision = asyncio.create_task(child.supervise())
    await eventually(lambda: child.state is ChildState.READY)
    first = child.pid
    assert first
    with capture_logs() as lines:
        psutil.Process(first).kill()
        await eventually(lambda: child.restarts == 1 and child.state is ChildState.READY)
    assert child.pid not in {first, None}
    assert [line["said"] for line in lines if line["event"] == "child_exited"] == [""]
    await finish(child, supervision)


async def test_a_child_that_ends_again_and_again_waits_longer_each_time(tmp_path: Path) -> None:
    child = child_of(lambda: "raise SystemExit(1)", tmp_path / "out")
    with capture_logs() as lines:
        supervision = asyncio.create_task(child.supervise())
        await eventually(lambda: child.restarts == 2)
        await eventually(lambda: child.state is ChildState.WAITING)
    assert {line["said"] for line in lines if line["event"] == "child_exited"} == {_words()}
    supervision.cancel()
    await asyncio.wait([supervision])


def test_a_child_that_ran_well_is_started_again_at_once_however_often_it_had_ended_before() -> None:
    assert exits_in_a_row(3, lived_seconds=1) == 4
    assert exits_in_a_row(3, lived_seconds=3600) == exits_in_a_row(0, lived_seconds=3600) == 1
    waits = [back_off_seconds(in_a_row) for in_a_row in range(1, 9)]
    assert waits[0] < 1
    assert waits == sorted(waits)
    assert waits[-1] == waits[-2] <= 10


async def test_a_child_that_refuses_before_it_was_ready_is_not_started_again(tmp_path: Path) -> None:
    never_ready = asyncio.Event()

    async def launch() -> subprocess.Popen[bytes]:
        return python("raise SystemExit(2)", tmp_path / "out")

    async def ready() -> bool:
        await never_ready.wait()
        return True

    child = Child("part", launch, ready, last_words=_words)
    with pytest.raises(StopError, match=r"part refused to go on\. the key is gone\. Restore it\."):
        await child.supervise()
    assert child.restarts == 0


async def test_a_child_that_refuses_while_it_ran_well_is_started_once_more(tmp_path: Path) -> None:
    codes = iter([SLEEP.replace("time.sleep(600)", "time.sleep(0.5); raise SystemExit(2)"), SLEEP])
    child = child_of(lambda: next(codes), tmp_path / "out")
    supervision = asyncio.create_task(child.supervise())
    await eventually(lambda: child.restarts == 1 and child.state is ChildState.READY)
    await finish(child, supervision)


async def test_a_process_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = python(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(600)",
        output,
    )
    await eventually(lambda: output.read_text() == "on\n")
    assert await end(process, 0.2) is False
    assert process.returncode == -9


async def test_a_process_that_listens_to_the_polite_signal_ends_by_itself(tmp_path: Path) -> None:
    process = python(SLEEP, tmp_path / "out")
    assert await end(process, 20) is True


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import sys, os, signal; from pathlib import Path; from lrs.cli.children import spawn\n"
        f"child = spawn([sys.executable, '-c', {SLEEP!r}], output=Path({str(tmp_path / 'out')!r}))\n"
        "print(child.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False)
    assert parent.returncode == -9
    _, alive = psutil.wait_procs(
        [process for process in psutil.process_iter() if process.pid == int(parent.stdout)], 30
    )
    assert alive == []
