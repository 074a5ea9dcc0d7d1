"""One district and one stream of it for all facts about the simulator; both are read only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from producers.simulator.district import District
from producers.simulator.emissions import Emission, Faults

if TYPE_CHECKING:
    from producers.simulator.truth import Truth

MANY_FAULTS = Faults(
    late=0.05,
    duplicated=0.03,
    conflicting=0.02,
    voided=0.03,
    malformed=0.04,
    groups=0.01,
    references=0.01,
    without_consent=0.08,
    off_roster=0.02,
    unlisted=0.05,
)
COUNT = 20_000


class Sample(NamedTuple):
    """A whole stream and its truth."""

    emissions: list[Emission]
    truth: Truth


@pytest.fixture(scope="session")
def district() -> District:
    return District(7, schools=4, http_share=0.5, faults=MANY_FAULTS)


@pytest.fixture(scope="session")
def sample(district: District) -> Sample:
    stream = district.statements(COUNT)
    return Sample(list(stream), stream.truth)
