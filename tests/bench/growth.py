"""Whether a process grows: the slope of its memory once its caches are full, and how much of it is noise. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

WARM_SHARE = 0.4
"""Caches of the engine, the id index and the broker, the broker's heap and the reference views fill first."""
_FEWEST = 10
# Merges and garbage collections move a process by this much between two samples, and a slope by less.
_NOISE_SHARE = 0.05
_NOISE_MB = 10.0


class Memory(NamedTuple):
    """A process's memory in MiB: its share of what is shared and all of its own, and everything that it maps."""

    pss: float
    rss: float


class Sample(NamedTuple):
    """The memory of each process so many seconds after the start."""

    seconds: float
    memory: Mapping[str, Memory]


@dataclass(frozen=True, slots=True)
class Growth:
    """How one process's PSS or RSS moved in the `seconds` after warming up: the slope over that time, not two ends."""

    part: str
    kind: str
    seconds: float
    grown_mb: float
    last_mb: float
    allowed_mb: float

    @property
    def grew(self) -> bool:
        """More than noise explains."""
        return self.grown_mb > self.allowed_mb


def growths(samples: Sequence[Sample], warm_share: float = WARM_SHARE) -> list[Growth]:
    """PSS and RSS of every process that was there all the time after warming up; none if there are too few samples."""
    warm = samples[int(len(samples) * warm_share) :]
    if len(warm) < _FEWEST:
        return []
    parts = [part for part in warm[-1].memory if all(part in sample.memory for sample in warm)]
    return [_growth(part, kind, warm) for part in parts for kind in Memory._fields]


def _growth(part: str, kind: str, samples: Sequence[Sample]) -> Growth:
    points = [(sample.seconds, getattr(sample.memory[part], kind)) for sample in samples]
    seconds = points[-1][0] - points[0][0]
    level = statistics.median(size for _, size in points)
    allowed = max(_NOISE_MB, _NOISE_SHARE * level)
    return Growth(part, kind.upper(), seconds, slope(points) * seconds, points[-1][1], allowed)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil and Sen's: the median of the slopes between any two points, which a few outliers do not move."""
    between = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for place, earlier in enumerate(points)
        for later in points[place + 1 :]
    ]
    return statistics.median(between)
