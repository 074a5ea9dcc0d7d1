"""`ayumi demo`: a zone in a temporary folder, a simulated district that feeds it, and the proof that all arrived."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrs.cli.reconciling import Accountant, totals, until
from lrs.cli.zone import Zone
from lrs.kernel.errors import AyumiError, RetryError
from lrs.kernel.zone_folder import ZoneFolder, write_secret

if TYPE_CHECKING:
    from lrs.kernel.settings import Settings
    from lrs.store.accounting import Balance
    from producers.simulator.district import District
    from producers.simulator.run import Plan, Report, Target
    from producers.simulator.truth import Truth

Progress = Callable[[int, int], None]
"""Told the statements settled so far, and those of the plan."""

_SETTLE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a plan: the counts by their names, and every difference from the ground truth, as sentences."""

    counts: dict[str, int]
    differences: list[str]
    seconds: float
    fingerprint: str = ""
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """One line's worth; `rate` is statements a second from the first one sent to all accounted for."""
        rate = round(self.counts["sent"] / self.seconds) if self.seconds else 0
        return {
            **self.counts,
            "seconds": round(self.seconds, 2),
            "rate": rate,
            **self.reasons,
            "facts": self.fingerprint,
            "balanced": not self.differences,
            "differences": self.differences,
        }


@contextlib.contextmanager
def temporary_zone(seed: int | str) -> Iterator[Path]:
    """An empty zone folder whose root key comes from `seed`: equal seeds give equal facts. For synthetic data only."""
    with tempfile.TemporaryDirectory(prefix="ayumi-demo-", ignore_cleanup_errors=True) as name:
        folder = ZoneFolder(Path(name))
        folder.root_key.parent.mkdir(mode=0o700)
        write_secret(folder.root_key, hashlib.sha256(f"ayumi demo {seed}".encode()).hexdigest())
        try:
            yield folder.root
        except AyumiError:
            keep_logs(folder)
            raise


def keep_logs(folder: ZoneFolder) -> None:
    """Copy the logs of a temporary zone that did not do what it should to where they stay, and say where."""
    kept = tempfile.mkdtemp(prefix="ayumi-demo-logs-")
    shutil.copytree(folder.logs, kept, dirs_exist_ok=True)
    sys.stderr.write(f"ayumi: the zone's logs are kept in {kept}\n")


async def run_once(plan: Plan, folder: Path, settings: Settings, *, progress: Progress | None = None) -> Outcome:
    """Start a zone, send the plan, wait until all is accounted for, stop, and hold the facts against the truth."""
    district = plan.district()
    async with Zone(folder, settings, free_ports=True) as zone:
        target = await prepare(zone, district)
        began = time.monotonic()
        report, found = await feed(zone, plan, target, district, progress=progress)
        seconds = time.monotonic() - began
        settings = zone.settings
    return judge(report, found, seconds, settings, ZoneFolder(folder))


async def prepare(zone: Zone, district: District) -> Target:
    """Credentials for the district's apps, and its reference files on the topics and in the processor's views."""
    from lrs.cli.simulating import load_references, make_credentials  # noqa: PLC0415 - only the demo needs it
    from producers.simulator.run import Target  # noqa: PLC0415 - as above

    await load_references(district, zone.settings, zone.addresses)
    return Target(
        endpoint=f"{zone.addresses['gateway']}/xAPI",
        credentials=make_credentials(zone.settings, zone.folder.root),
        broker=zone.settings.broker,
        zone=zone.settings.zone.name,
    )


async def feed(
    zone: Zone, plan: Plan, target: Target, district: District, *, progress: Progress | None = None
) -> tuple[Report, Balance]:
    """Send the plan, and wait until the zone has settled all of it, or until it no longer gets any further."""
    from producers.simulator.run import simulate  # noqa: PLC0415 - only the demo needs the simulator

    async with Accountant(zone.settings, zone.folder, zone.addresses) as accountant:
        report = await simulate(plan, target, district=district, progress=progress)
        settled = _settled(report)
        found = await until(accountant.read, settled, _SETTLE_SECONDS)
    if found is None:
        raise RetryError("the zone", "no part answered")
    return report, found


def judge(report: Report, found: Balance, seconds: float, settings: Settings, folder: ZoneFolder) -> Outcome:
    """Everything that is not as the truth says: the sender's surprises, gaps, counts, and each cell of the facts."""
    from producers.simulator.settlement import settle  # noqa: PLC0415 - only the demo needs the simulator

    observed = {**totals(found), "rejected": report.rejected}
    settlement = settle(report.truth, observed, resent=report.resent)
    differences = [*report.surprises, *(gap.meaning for gap in found.gaps), *settlement.differences]
    if report.unsent:
        differences.append(f"{report.unsent} statements could not be sent")
    cells, fingerprint = _cell_differences(report.truth, settings, folder)
    counts = {
        "sent": settlement.sent,
        "rejected": report.rejected,
        "repeated": settlement.repeated,
        **totals(found),
    }
    if counts["sent"] != counts["rejected"] + counts["repeated"] + counts["received"]:
        differences.append("sent is not rejected + repeated + received")
    reasons = {
        "refused_by_reason": dict(found.refused),
        "withheld_by_reason": dict(found.withheld),
        "interrupted": {"copies": settlement.copies, "slipped": settlement.slipped},
    }
    return Outcome(counts, [*differences, *cells], seconds, fingerprint, reasons)


def _settled(report: Report) -> Callable[[Balance], bool]:
    from producers.simulator.settlement import settle  # noqa: PLC0415 - only the demo needs the simulator

    def settled(found: Balance) -> bool:
        observed = {**totals(found), "rejected": report.rejected}
        return found.balanced and not settle(report.truth, observed, resent=report.resent).differences

    return settled


def _cell_differences(truth: Truth, settings: Settings, folder: ZoneFolder) -> tuple[list[str], str]:
    """Each day and each curriculum code × grade of the facts against the truth. The zone must have stopped."""
    from lrs.store.engine import facts_engine  # noqa: PLC0415
    from lrs.store.exact_cells import code_cells, day_cells, fingerprint  # noqa: PLC0415 - as above

    engine = facts_engine(settings, folder)
    try:
        summary = truth.summary()
        found_days = {tuple(cell) for cell in day_cells(engine)}
        found_codes = {tuple(cell) for cell in code_cells(engine)}
        digest = fingerprint(engine)
    finally:
        engine.close()
    days = {(cell["day"], cell["statements"], cell["learners"]) for cell in summary["days"]}
    codes = {
        (cell["curriculum_code"], cell["grade"], cell["answers"], cell["successes"], cell["learners"])
        for cell in summary["codes"]
    }
    odd = [*(f"day {cell}" for cell in found_days ^ days), *(f"code {cell}" for cell in found_codes ^ codes)]
    return [f"{what} is in the facts or in the truth, not in both" for what in sorted(odd)[:20]], digest


@contextlib.asynccontextmanager
async def visiting(zone: Zone) -> AsyncIterator[str]:
    """Open the board in the user's browser, where there is one; the URL to show either way."""
    import webbrowser  # noqa: PLC0415 - only for people

    url = zone.addresses["board"]
    with contextlib.suppress(webbrowser.Error):
        await asyncio.to_thread(webbrowser.open, url)
    yield url
