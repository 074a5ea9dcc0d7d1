"""What is looked at every few seconds, and what less often. Values only; who looks is `lrs.cli.observer`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from lrs.kernel.topics import Noun
from lrs.store.accounting import Balance, Gap, LogSpan
from lrs.store.flows import Flow

GROUPS: Mapping[str, Noun] = MappingProxyType(
    {"recorder": Noun.RECEIVED, "processor": Noun.ACCEPTED, "loader": Noun.ACTIVITY, "letters": Noun.REFUSED}
)
"""Each consumer group with the topic it reads, in the order of the way."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One moment, `at` in Unix seconds. `logs` by topic, `committed` by group; both by partition.

    Read from the end of the way to its beginning, so that no hop ever seems to have more than the one before it.
    """

    at: float
    logs: Mapping[str, Mapping[int, LogSpan]]
    committed: Mapping[str, Mapping[int, int]]
    recorder: Flow
    loader: Flow

    @property
    def received(self) -> int:
        """Records that came in since the recorder began: retention may have taken the first of them from the log."""
        spans = self.logs[Noun.RECEIVED]
        return sum(span.end - min(self.recorder.first.get(p, span.begin), span.begin) for p, span in spans.items())

    @property
    def written(self) -> int:
        """Records that the stream processor has ever written: a retry after a crash may have written some again."""
        return sum(span.end for span in self.logs[Noun.ACTIVITY].values())


class ProcessState(NamedTuple):
    """One process of the zone: `detail` says what a check that fails said."""

    name: str
    state: str
    restarts: int
    detail: str


class FileSystem(NamedTuple):
    """Where something of the zone is kept; in bytes."""

    name: str
    free: int
    size: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the accountant's last look said. `unsure`: it looks again at once; `exact`: gaps by their offsets."""

    at: float = 0.0
    balance: Balance | None = None
    gaps: tuple[Gap, ...] = ()
    unsure: bool = False
    exact: tuple[Gap, ...] = ()
    searching: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What changes slowly, as far as it is known."""

    verdict: Verdict | None = None
    processes: tuple[ProcessState, ...] = ()
    freshness: Mapping[float, float] = field(default_factory=dict)
    """Cumulative batches by upper bound in seconds, as the loader counts them."""
    door: Mapping[str, int] = field(default_factory=dict)
    """Statements that came by HTTP since the gateway began, by outcome."""
    last_seen: Mapping[str, float] = field(default_factory=dict)
    """When an app last sent something by HTTP, in Unix seconds."""
    file_systems: tuple[FileSystem, ...] = ()
    folders: Mapping[str, int] = field(default_factory=dict)
    kept_since: Mapping[str, float] = field(default_factory=dict)
    """For each topic, when its oldest record was written."""
    retention_seconds: Mapping[str, float | None] = field(default_factory=dict)
    unread_since: Mapping[str, float] = field(default_factory=dict)
    """For each group that is behind, when the oldest record that it has not read was written."""
    default_quota: float = 0.0
    trouble: str = ""

    def but(self, **changes: Any) -> Surroundings:  # noqa: ANN401 - any of its fields
        """A copy with other values."""
        return Surroundings(**{name: getattr(self, name) for name in self.__slots__} | changes)
