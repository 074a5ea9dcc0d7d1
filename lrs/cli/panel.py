"""The status panel of a running zone on a terminal: what runs, where, how much it uses and moves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import psutil
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lrs.cli.child import Child, ChildState
from lrs.cli.probing import fetch

if TYPE_CHECKING:
    from lrs.cli.zone import Zone

_REFRESH_SECONDS = 1.0
_COLOURS = {
    ChildState.READY: "green",
    ChildState.STARTING: "yellow",
    ChildState.WAITING: "red",
    ChildState.STOPPED: "dim",
}
# What to add up from each process's metrics: the column's title, the metric, and the labels that must match.
_FLOWS = (
    ("received", "ayumi_recorder_statements_total", ""),
    ("archived", "ayumi_recorder_statements_total", 'outcome="archived"'),
    ("published", "ayumi_processor_statements_total", 'outcome="published"'),
    ("withheld", "ayumi_processor_statements_total", 'outcome="withheld"'),
    ("in facts", "ayumi_loader_rows_total", 'outcome="published"'),
)


class Panel:
    """A live table on standard error while it is entered; belongs to the running event loop."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
        self._processes: dict[int, psutil.Process] = {}
        self._last_told: dict[str, dict[str, float]] = {}
        self._totals: dict[str, float] = {}
        self._rates: dict[str, float] = {}
        self._asked_at = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        self._task = asyncio.create_task(self._refresh())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        self._live.stop()

    async def _refresh(self) -> None:
        while True:
            await self._ask()
            self._live.update(self.render(), refresh=True)
            await asyncio.sleep(_REFRESH_SECONDS)

    def render(self) -> Group:
        """The panel as it is now."""
        table = Table("part", "state", "pid", "restarts", "CPU", "memory", box=None, pad_edge=False)
        for child in self._zone.children:
            cpu, memory = self._usage(child)
            state = Text(child.state.value, style=_COLOURS[child.state])
            table.add_row(child.name, state, str(child.pid or "-"), str(child.restarts), cpu, memory)
        flow = Table(*(title for title, _, _ in _FLOWS), box=None, pad_edge=False)
        flow.add_row(
            *(f"{self._totals.get(title, 0):,.0f} ({self._rates.get(title, 0):,.0f}/s)" for title, _, _ in _FLOWS)
        )
        where = self._zone.addresses
        head = Text.assemble(
            (f"Ayumi: zone {self._zone.settings.zone.name}", "bold"),
            f"  {self._zone.folder.root}\n",
            f"dashboards {where['board']}   xAPI {where['gateway']}/xAPI   Kafka {where['broker']}\n",
        )
        return Group(head, table, Text(), flow, Text("Ctrl-C stops everything.", style="dim"))

    def _usage(self, child: Child) -> tuple[str, str]:
        if child.pid is None:
            return "-", "-"
        with contextlib.suppress(psutil.Error):
            process = self._processes.setdefault(child.pid, psutil.Process(child.pid))
            return f"{process.cpu_percent():.0f} %", f"{process.memory_info().rss >> 20} MiB"
        return "-", "-"

    async def _ask(self) -> None:
        ready = [child for child in self._zone.children if child.state is ChildState.READY and child.name != "broker"]
        for child in ready:
            with contextlib.suppress(OSError, TimeoutError):
                _, body = await fetch(f"{self._zone.addresses[child.name]}/metrics")
                self._last_told[child.name] = flows(body.decode("utf-8", "replace"))
        totals = {title: sum(told[title] for told in self._last_told.values()) for title, _, _ in _FLOWS}
        now = time.monotonic()
        for title, total in totals.items():
            gained = max(0.0, total - self._totals.get(title, 0.0))
            self._rates[title] = gained / (now - self._asked_at) if self._totals else 0.0
        self._totals, self._asked_at = totals, now


def flows(exposition: str) -> dict[str, float]:
    """The panel's totals out of one process's metrics in Prometheus's text format."""
    totals = dict.fromkeys((title for title, _, _ in _FLOWS), 0.0)
    for line in exposition.splitlines():
        name, _, rest = line.partition("{")
        for title, metric, label in _FLOWS:
            if name == metric and label in rest:
                totals[title] += float(rest.rpartition(" ")[2])
    return totals
