"""`make overload`: twice what the zone can do, over HTTP and the SDK, for ten minutes; then what is left to be done.

python -m tests.bench.overload [--minutes N] [--times N]

First the rate that this machine sustains: a load as fast as it is taken, and the clock stops when all of it is in the
facts. Exits 0 only if N times that rate (less 5 %) was really offered, lag was to be seen meanwhile and none
afterwards, memory stayed bounded, every refusal said when to come again, no process was started again, and everything
that was acknowledged is accounted for, by `ayumi reconcile`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrs.cli.demo import prepare
from lrs.cli.probing import is_ready
from lrs.cli.reconciling import Accountant
from lrs.cli.settings_loading import load_settings
from lrs.cli.zone import Zone
from lrs.kernel.errors import RetryError
from lrs.kernel.logs import configure_logs
from producers.simulator.emissions import NO_FAULTS
from producers.simulator.run import Plan
from tests.bench.growth import Sample, growths
from tests.bench.measuring import Results, counter, memory_mb, pss_mb

if TYPE_CHECKING:
    from producers.simulator.run import Target

_SEED = 7
_HTTP_SHARE = 0.3
_MEASURE_SECONDS = 20.0
_TELL_SECONDS = 10.0
_SETTLE_SECONDS = 3600.0
_ASK_SECONDS = 2.0
_CALM_SECONDS = 60.0
# Of what was to be offered; the rest is what a loop of 50 ms and a free connection that comes late may cost.
_LEAST_OFFERED = 0.95
# Beside the engine, whose cap is a setting: the interpreter, its libraries, the id index, requests and batches.
_BESIDE_ENGINE_MB = 700
_OTHERS_MB = 600
_REFUSED = ("http_429", "http_503")


@dataclass
class Load:
    """What one run of `tests.bench.offered` has told."""

    seen: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def acknowledged(self) -> int:
        """Statements that somebody was told are kept."""
        return self.seen["http_200"] + self.seen["sdk_sent"]


@dataclass
class Overload:
    """One zone under load."""

    zone: Zone
    target: Target
    results: Results
    samples: list[Sample] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    acknowledged: int = 0
    unknown: int = 0
    most_mb: Counter[str] = field(default_factory=Counter)
    most_lag: Counter[str] = field(default_factory=Counter)
    """Records that waited, the most of any look while overloaded; by what they waited for."""

    async def sustainable(self) -> float:
        """Statements a second from the first one sent until the last one is in the facts."""
        began = time.monotonic()
        load = await self.offer(0.0, _MEASURE_SECONDS, tell=False)
        await self.settled()
        return load.acknowledged / (time.monotonic() - began)

    async def offer(self, rate: float, seconds: float, *, tell: bool = True) -> Load:
        """Run a load to its end, telling every ten seconds how it goes."""
        plan = {
            "seed": _SEED,
            "rate": rate,
            "seconds": seconds,
            "http_share": _HTTP_SHARE,
            "port": self.zone.settings.gateway.port,
            "credentials": dict(self.target.credentials),
            "broker": self.zone.settings.broker.model_dump(mode="json"),
            "zone": self.zone.settings.zone.name,
        }
        path = self.zone.folder.run / "offered.json"
        path.write_text(json.dumps(plan), "utf-8")
        path.chmod(0o600)
        load, began = Load(), time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.offered", str(path), stdout=asyncio.subprocess.PIPE
        )
        telling = asyncio.create_task(self._tell(load, began)) if tell else None
        assert process.stdout
        async for line in process.stdout:
            load.seen = Counter({name: count for name, count in json.loads(line).items() if name != "end"})
        if await process.wait():
            self.wrong.append("the load ended with an error")
        if telling:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        load.seconds = seconds  # what answers afterwards was offered in this time
        self.acknowledged += load.acknowledged
        self.unknown += load.seen["unknown"]
        return load

    async def settled(self) -> float:
        """Wait until everything that is on the log is accounted for; how long that took."""
        began = time.monotonic()
        async with Accountant(self.zone.settings, self.zone.folder, self.zone.addresses) as accountant:
            while time.monotonic() - began < _SETTLE_SECONDS:
                with suppress(RetryError):
                    if (await accountant.read(thorough=False)).balanced:
                        break
                await asyncio.sleep(_ASK_SECONDS)
            else:
                self.wrong.append(f"not everything was accounted for after {_SETTLE_SECONDS:.0f} s")
        return time.monotonic() - began

    async def reconcile(self) -> dict[str, Any]:
        """What `ayumi reconcile` says; anything but exit code 0 is wrong."""
        command = [sys.executable, "-m", "lrs.cli", "reconcile", str(self.zone.folder.root), "--json", "--wait", "120"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        if done.returncode:
            self.wrong.append(f"reconcile ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}")
        found: dict[str, Any] = json.loads(done.stdout or "{}")
        return found

    async def _tell(self, load: Load, began: float) -> None:
        before = Counter[str]()
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            new, before = load.seen - before, load.seen.copy()
            self._sample(time.monotonic() - began)
            refused = {name[5:]: new[name] for name in _REFUSED if new[name]}
            taken = new["http_200"] + new["sdk_sent"]
            memory = "  ".join(f"{name} {size.pss:.0f}" for name, size in self.samples[-1].memory.items())
            print(  # noqa: T201 - a program's output
                f"{time.monotonic() - began:>6.0f} s  accepted {taken / _TELL_SECONDS:>7,.0f}/s "
                f"(HTTP {new['http_200'] / _TELL_SECONDS:>6,.0f}/s)  refused {refused or '-'}  {await self._lag()}  "
                f"PSS {memory}",
                flush=True,
            )

    async def _lag(self) -> str:
        told = await self.lags()
        for name, lag in told.items():
            self.most_lag[name] = max(self.most_lag[name], round(lag or 0))
        # A process that has too much to do to tell is told of as such.
        shown = {name: "?" if lag is None else f"{lag:,.0f}" for name, lag in told.items()}
        gateway = self.zone.addresses["gateway"]
        seconds = await counter(gateway, "ayumi_gateway_backlog_seconds") if await is_ready(gateway) else 0.0
        return f"lag archive {shown['archive']} ({seconds:,.0f} s), facts {shown['facts']}"

    async def lags(self) -> dict[str, float | None]:
        """Records that the archive and the facts lack, as the processes tell; None: one does not answer."""
        gateway, board = self.zone.addresses["gateway"], self.zone.addresses["board"]
        asked = {
            "archive": (gateway, "ayumi_gateway_backlog_statements", ""),
            "facts": (board, "ayumi_stream_lag_records", 'topic="activity"'),
        }
        return {
            name: await counter(*one[:2], label=one[2]) if await is_ready(one[0]) else None
            for name, one in asked.items()
        }

    async def calm(self) -> None:
        """Wait until no lag is told any more; anything else is wrong."""
        deadline = time.monotonic() + _CALM_SECONDS
        while set((found := await self.lags()).values()) != {0.0}:
            if time.monotonic() > deadline:
                self.wrong.append(f"all is accounted for, but lag is told: {found}")
                return
            await asyncio.sleep(_ASK_SECONDS)

    def _sample(self, seconds: float) -> None:
        memory = memory_mb({child.name: child.pid for child in self.zone.children})
        self.samples.append(Sample(seconds, memory))
        for name, size in memory.items():
            self.most_mb[name] = max(self.most_mb[name], round(size.pss))


async def overload(results: Results, minutes: float, times: float) -> list[str]:
    """Measure, overload, recover. Returns what is wrong."""
    with tempfile.TemporaryDirectory(prefix="ayumi-overload-") as name:
        folder = Path(name)
        async with Zone(folder, load_settings(folder), free_ports=True) as zone:
            target = await prepare(zone, Plan(seed=_SEED, http_share=0, faults=NO_FAULTS).district())
            run = Overload(zone, target, results)
            at_first = {child.name: child.restarts for child in zone.children}
            rate = await run.sustainable()
            results.add("sustainable, all included", rate, "statements/s")
            load = await run.offer(times * rate, minutes * 60)
            _tell_load(run, load, times, rate)
            _tell_lag(run)
            recovery = await run.settled()
            results.add("from the end of the load until all is accounted for", recovery, "s")
            await run.calm()
            await _tell_recovered(run)
            restarts = {child.name: child.restarts - at_first[child.name] for child in zone.children}
            run.wrong += [f"{name} was started again {count} times" for name, count in restarts.items() if count]
            _tell_memory(run)
    return run.wrong


def _tell_load(run: Overload, load: Load, times: float, rate: float) -> None:
    seen, results = load.seen, run.results
    not_offered = seen["http_not_offered"] + seen["sdk_not_offered"]
    refused = sum(seen[name] for name in _REFUSED)
    offered = load.acknowledged + refused + seen["unknown"] - seen["http_503"]
    results.add("offered", offered / load.seconds, "statements/s", limit="sustainable, all included")
    results.add("accepted", load.acknowledged / load.seconds, "statements/s", limit="sustainable, all included")
    results.add("refused with 429 or 503", refused, "statements")
    results.add("could not be offered: every connection waited", not_offered, "statements")
    results.add("refused without Retry-After", seen["without_retry_after"], "requests", aim="aim 0")
    if seen["without_retry_after"]:
        run.wrong.append("a refusal did not say when to come again")
    odd = {name: count for name, count in seen.items() if name.startswith("http_5") and name not in _REFUSED}
    if odd:
        run.wrong.append(f"answers that no overload explains: {odd}")
    factor, least = offered / load.seconds / rate, _LEAST_OFFERED * times
    results.add("offered, of what is sustainable", factor, "times", aim=f"aim >= {least:g}")
    if factor < least:
        run.wrong.append(f"only {factor:.2f} times what is sustainable was offered, not {times:g}")


def _tell_lag(run: Overload) -> None:
    """It was to be seen, of every hop, while more came than was taken."""
    for name in ("archive", "facts"):
        run.results.add(f"most lag of the {name}", run.most_lag[name], "statements", aim="aim > 0")
        if not run.most_lag[name]:
            run.wrong.append(f"no lag of the {name} was told while more came than it takes")


async def _tell_recovered(run: Overload) -> None:
    """Everything that was acknowledged is there, and statements are taken again."""
    found = await run.reconcile()
    received = found.get("received", 0)
    run.results.add("acknowledged", run.acknowledged, "statements")
    run.results.add("received, archived and accounted for", received, "statements")
    if not run.acknowledged <= received <= run.acknowledged + run.unknown:
        run.wrong.append(f"{run.acknowledged} were acknowledged ({run.unknown} unknown), {received} are there")
    after = await run.offer(500, 3, tell=False)
    if after.seen["http_200"] == 0 or after.seen["http_503"]:
        run.wrong.append(f"after the recovery not everything is taken: {dict(after.seen)}")


def _tell_memory(run: Overload) -> None:
    cap = run.zone.settings.store.max_memory_mb
    run.results.add("memory at the end", sum(pss_mb({one.name: one.pid for one in run.zone.children}).values()), "MiB")
    for name, most in run.most_mb.items():
        bound = cap + _BESIDE_ENGINE_MB if name in {"lrs", "store"} else _OTHERS_MB
        run.results.add(f"{name}: most PSS", most, "MiB", aim=f"aim <= {bound:,}")
        if most > bound:
            run.wrong.append(f"{name} took {most} MiB")
    for growth in growths(run.samples):
        if growth.kind == "PSS":
            run.results.add(f"{growth.part}: PSS slope", growth.grown_mb / growth.seconds * 60, "MiB/min")


def main() -> int:
    """Parse, overload, save; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--times", type=float, default=2, help="how many times the sustainable rate is offered")
    options = parser.parse_args()
    configure_logs("error", part="overload")
    results = Results()
    wrong = asyncio.run(overload(results, options.minutes, options.times))
    results.add("what is wrong", len(wrong), "", aim="aim 0")
    results.verdict = wrong
    for what in wrong:
        print("  ", what)  # noqa: T201 - a program's output
    print(f"{'FAILED' if wrong else 'passed'}; saved to {results.save('overload')}")  # noqa: T201 - a program's output
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
