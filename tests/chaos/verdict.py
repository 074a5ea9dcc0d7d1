"""Is everything there, once? Holds a zone against the ground truth of all that was ever sent to it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson
import psutil

from lrs.cli.reconciling import Accountant, totals
from producers.simulator.settlement import settle
from producers.simulator.truth import Truth
from tests.chaos.programs import run_program
from tests.support.ayumi import AYUMI

if TYPE_CHECKING:
    from pathlib import Path

    from lrs.store.accounting import Balance
    from producers.simulator.run import Report

_SHOWN = 20


@dataclass
class Sent:
    """What all rounds sent so far, and what must have become of it."""

    truth: Truth = field(default_factory=Truth)
    rejected: int = 0
    resent: int = 0
    surprises: list[str] = field(default_factory=list)

    def add(self, report: Report) -> None:
        """One more round."""
        self.truth.merge(report.truth)
        self.rejected += report.rejected
        self.resent += report.resent
        self.surprises += report.surprises
        if report.unsent:
            self.surprises.append(f"{report.unsent} statements could not be sent")

    def differences(self, found: Balance) -> list[str]:
        """Every count that is not as the truth says, and every gap."""
        observed = {**totals(found), "rejected": self.rejected}
        settled = settle(self.truth, observed, resent=self.resent)
        gaps = [
            f"{gap.hop}, partition {gap.partition}: {gap.meaning}: {gap.expected}, {gap.found}" for gap in found.gaps
        ]
        return [*self.surprises, *gaps, *settled.differences]


async def doubled(accountant: Accountant) -> list[str]:
    """Every table of both stores where count() is not uniqExact(partition, offset)."""
    loader, recorder, _ = await accountant.hops(thorough=True)
    return [
        f"{table}, partition {partition}: {held.rows} rows, {held.places} places"
        for hop in (recorder, loader)
        for table, partitions in hop.tables.items()
        for partition, held in partitions.items()
        if held.rows != held.places
    ]


async def reconciled(folder: Path) -> list[str]:
    """What `ayumi reconcile --from-log` finds missing: it decides every record on the log anew."""
    ran = await run_program(*AYUMI, "reconcile", str(folder), "--from-log", "--json", "--wait", "60")
    if ran.code == 0:
        return []
    if not ran.printed:
        return [f"ayumi reconcile ended with {ran.code}: {ran.said}"]
    report = orjson.loads(ran.printed)
    return [f"ayumi reconcile: {orjson.dumps(gap).decode()}" for gap in report["gaps"][:_SHOWN]]


async def unlike_the_truth(folder: Path, truth: Truth) -> list[str]:
    """Each day, and each curriculum code × grade, whose facts are not exactly the truth's. The zone has stopped."""
    ran = await run_program(sys.executable, "-m", "tests.chaos.cells", str(folder))
    if ran.code:
        return [f"the facts could not be read: {ran.said}"]
    found, summary = orjson.loads(ran.printed), truth.summary()
    odd = []
    for kind in ("days", "codes"):
        wanted = {tuple(cell.values()) for cell in summary[kind]}
        odd += [f"{kind} {cell}" for cell in sorted(wanted ^ {tuple(cell) for cell in found[kind]}, key=str)]
    return [f"{cell} is in the facts or in the truth, not in both" for cell in odd[:_SHOWN]]


def left_behind(folder: Path) -> list[str]:
    """Processes that outlived the zone: our children, and whoever names its folder. Dead ones left nothing."""
    ours = psutil.Process()
    family = {ours.pid, *(parent.pid for parent in ours.parents())}
    found = {child.pid: child for child in ours.children(recursive=True)}
    for process in psutil.process_iter(["cmdline"]):
        if process.pid not in family and any(str(folder) in word for word in process.info["cmdline"] or ()):
            found[process.pid] = process
    return [f"process {one.pid} outlived the zone: {words[:200]}" for one in found.values() if (words := _words(one))]


def _words(process: psutil.Process) -> str:
    """Of its command; none when it has ended meanwhile, whether or not anybody has asked how."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
