"""What a part of a zone is: something that runs until it is told to stop, and says whether it is well."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `/readyz`: `name` is from a closed set, `detail` says what to wait for or to do."""

    name: str
    ok: bool
    detail: str = ""


class Part(Protocol):
    """Gateway, recorder, processor, loader or board. Each runs on an event loop of its own, in its own thread."""

    name: str

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then finish work in flight and return. Any exception ends the process."""
        ...

    def checks(self) -> list[Check]:
        """Readiness, cheap enough to be asked every second, from any thread."""
        ...
