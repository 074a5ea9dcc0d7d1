"""What the benchmarks share: rates read from a process's own counters, memory, and the table of results."""

from __future__ import annotations

import asyncio
import contextlib
import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from lrs.cli.probing import fetch
from tests.bench.growth import Memory

RESULTS = Path("bench-results")
_SAMPLE_SECONDS = 0.1


@dataclass
class Results:
    """Rows of one run: name, value, unit, and what it is a ratio of."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    verdict: list[str] | None = None
    """What is wrong, where the run has a verdict."""

    def add(self, name: str, value: float, unit: str, *, limit: str = "", aim: str = "") -> None:
        """Record one figure; `limit` names the row it is divided by."""
        row: dict[str, Any] = {"name": name, "value": round(value, 3), "unit": unit, "aim": aim}
        base = next((other["value"] for other in self.rows if other["name"] == limit), None)
        if base:
            row |= {"of": limit, "ratio": round(value / base, 3)}
        self.rows.append(row)
        ratio = f"{row['ratio']:>8.2f} x {limit}" if base else ""
        print(f"{name:<52}{value:>12,.1f} {unit:<14}{ratio} {aim}", flush=True)  # noqa: T201 - a program's output

    def fail(self, name: str, unit: str, why: str) -> None:
        """Record that a figure could not be had, so that nothing is a ratio of it either."""
        self.rows.append({"name": name, "value": None, "unit": unit, "aim": "", "failed": why})
        print(f"{name:<52}{'FAILED':>12} {unit:<14}{why}", flush=True)  # noqa: T201 - a program's output

    def save(self, name: str) -> Path:
        """Write `bench-results/<name>.json`."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{name}.json"
        machine = {"cores": psutil.cpu_count(), "memory_gib": round(psutil.virtual_memory().total / 2**30)}
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        about: dict[str, Any] = {"python": platform.python_version(), "machine": machine, "at": at}
        if self.verdict is not None:
            about |= {"passed": not self.verdict, "wrong": self.verdict}
        path.write_text(json.dumps({**about, "rows": self.rows}, indent=1) + "\n", "utf-8")
        return path


async def counter(url: str, name: str, *, label: str = "") -> float:
    """The sum of one counter of a process over all its labels, or those with `label`; 0 while it does not answer."""
    with contextlib.suppress(OSError, TimeoutError):
        _, body = await fetch(f"{url}/metrics")
        lines = (line for line in body.decode().splitlines() if line.startswith((f"{name}{{", f"{name} ")))
        lines = (line for line in lines if label in line)
        return sum(float(line.rpartition(" ")[2]) for line in lines)
    return 0.0


async def rate_until(url: str, name: str, total: int, *, seconds: float) -> float:
    """Records a second from a counter's first move until it reaches `total`. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    first: tuple[float, float] | None = None
    while time.monotonic() < deadline:
        value, now = await counter(url, name), time.monotonic()
        if value and first is None:
            first = (now, value)
        if value >= total and first is not None:
            return (value - first[1]) / max(now - first[0], 1e-3)
        await asyncio.sleep(_SAMPLE_SECONDS)
    msg = f"{name} did not reach {total} in {seconds:.0f} s"
    raise TimeoutError(msg)


def memory_mb(pids: Mapping[str, int | None]) -> dict[str, Memory]:
    """The memory of each process that is there."""
    found = {}
    for name, pid in pids.items():
        # It may end between being named and being read.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            text = Path(f"/proc/{pid or 0}/smaps_rollup").read_text("ascii")
            sizes = {
                line.split(":")[0]: line.split()[1] for line in text.splitlines() if line.startswith(("Pss:", "Rss:"))
            }
            found[name] = Memory(int(sizes["Pss"]) / 1024, int(sizes["Rss"]) / 1024)
    return found


def pss_mb(pids: Mapping[str, int | None]) -> dict[str, float]:
    """Proportional set size of each process, in MiB."""
    return {name: memory.pss for name, memory in memory_mb(pids).items()}


def cpu_seconds(pids: Mapping[str, int | None]) -> dict[str, float]:
    """Processor time that each process has used, its own and the kernel's for it."""
    times = {name: psutil.Process(pid).cpu_times() for name, pid in pids.items() if pid}
    return {name: used.user + used.system for name, used in times.items()}


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of the sorted values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
