"""Asks a running zone for what the operator's page shows; the board process alone knows it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

import httpx

from lrs.cli.zone_state import running_zone
from lrs.kernel.errors import RetryError, StopError
from lrs.kernel.zone_folder import ZoneFolder

if TYPE_CHECKING:
    from pathlib import Path

_ANSWER_SECONDS = 30.0
_EVERY_SECONDS = 1.0
_PATH = "/operator/now"


class Watching:
    """A context manager over one connection to the board."""

    def __init__(self, folder: Path) -> None:
        """Raises `StopError` when no zone runs in `folder`."""
        state = running_zone(folder)
        if state is None:
            raise StopError(f"no zone is running in {folder}", remedy=f"Start it with `ayumi up {folder}`.")
        token = ZoneFolder(folder).operator_token.read_text("ascii").strip()
        self._client = httpx.Client(
            base_url=state["addresses"]["board"],
            headers={"Authorization": f"Bearer {token}"},
            timeout=_ANSWER_SECONDS,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def now(self) -> dict[str, Any]:
        """As `/operator/now` answers: at most some seconds old. Raises `RetryError` when the board does not."""
        try:
            answer = self._client.get(_PATH)
        except httpx.HTTPError as error:
            raise RetryError("the board", str(error) or type(error).__name__) from error
        if answer.status_code != 200:
            raise RetryError("the board", f"{_PATH} answered {answer.status_code}")
        seen: dict[str, Any] = answer.json()
        return seen


def live(watching: Watching, language: str) -> None:
    """Show it on the terminal until Ctrl-C; while the board is away, the last of it with a word about that."""
    from rich.console import Group  # noqa: PLC0415 - 60 ms, only for a person
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from lrs.cli.top_screen import screen  # noqa: PLC0415

    with Live(auto_refresh=False, screen=True, vertical_overflow="crop") as shown:
        seen: dict[str, Any] | None = None
        while True:
            try:
                seen = watching.now()
                shown.update(screen(seen, language), refresh=True)
            except RetryError as error:
                rest = [screen(seen, language)] if seen else []
                shown.update(Group(Text(str(error), style="bold red"), *rest), refresh=True)
            time.sleep(_EVERY_SECONDS)
