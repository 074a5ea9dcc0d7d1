"""Each test of the suite runs with each step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from lrs.kernel.settings import BrokerSettings
from lrs.kernel.zone_folder import ZoneFolder
from tests.stream.steps.letters import LettersStep
from tests.stream.steps.loader import LoaderStep
from tests.stream.steps.processor import ProcessorStep
from tests.stream.steps.recorder import RecorderStep
from tests.stream.steps.step import Hold, Step, probe_of

STEPS: dict[str, type[Step]] = {one.name: one for one in (RecorderStep, ProcessorStep, LoaderStep, LettersStep)}


@asynccontextmanager
async def fresh(kind: type[Step], broker: BrokerSettings, zone: str, root: Path) -> AsyncIterator[Step]:
    """A step of this zone, whose topics are made; what it keeps lies in `root`."""
    folder = ZoneFolder(root)
    folder.prepare()
    async with probe_of(broker, f"{zone}.{kind.name}") as probe:
        made = kind(broker, zone, folder, probe)
        await made.prepare()
        yield made


@pytest.fixture(params=STEPS)
async def step(
    request: pytest.FixtureRequest, broker: BrokerSettings, zone: str, tmp_path: Path
) -> AsyncIterator[Step]:
    """A step of a fresh zone."""
    async with fresh(STEPS[request.param], broker, zone, tmp_path / "zone") as made:
        yield made


@pytest.fixture
def hold(step: Step) -> Iterator[Hold]:
    """Holds the first batch that the step makes durable."""
    owner, name = step.gate
    made = Hold()
    with patch.object(owner, name, made.around(getattr(owner, name))):
        yield made
        made.release.set()
