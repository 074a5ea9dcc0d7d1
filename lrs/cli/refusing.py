"""Talks to a running zone about its dead letters; one process owns the archive, so the questions go there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import httpx

from lrs.kernel.errors import RefusedError, RetryError, StopError
from lrs.kernel.reasons import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_ANSWER_SECONDS = 120.0
_PATH = "/operator/refused"


class RefusedLetters:
    """The dead letters of the zone that runs in a folder; a context manager."""

    def __init__(self, folder: Path) -> None:
        """Raises `StopError` when no zone runs there."""
        from lrs.cli.zone_state import running_zone  # noqa: PLC0415 - after the check of what was asked
        from lrs.kernel.zone_folder import ZoneFolder  # noqa: PLC0415

        state = running_zone(folder)
        if state is None:
            remedy = f"Start it with `ayumi up {folder}`, then ask again."
            raise StopError(f"no zone is running in {folder}", remedy=remedy)
        token = ZoneFolder(folder).operator_token.read_text("ascii").strip()
        self._client = httpx.Client(
            base_url=state["addresses"]["gateway"],
            headers={"Authorization": f"Bearer {token}"},
            timeout=_ANSWER_SECONDS,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def page(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """A page of letters and the counts, as `/operator/refused` answers. Raises `RefusedError`, `RetryError`."""
        return self._answer("GET", _PATH, asked)

    def one(self, source: str, partition: str, offset: str) -> dict[str, Any]:
        """One letter with its content. Raises `RefusedError` when there is none."""
        return self._answer("GET", f"{_PATH}/{source}/{partition}/{offset}", {})

    def replay(self, asked: Mapping[str, str], limit: int | None, batch: int) -> Iterator[dict[str, Any]]:
        """What became of each batch, until there is no more or `limit` letters were read."""
        left = limit
        where: dict[str, str] = {}
        while left is None or left > 0:
            size = batch if left is None else min(batch, left)
            report = self._answer("POST", f"{_PATH}/replay", {**asked, **where, "limit": str(size)})
            if not report["read"]:
                return
            yield report
            left = None if left is None else left - report["read"]
            where = {"after": report["after"], "until": str(report["until"])}

    def _answer(self, method: str, path: str, asked: Mapping[str, str]) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, params=dict(asked))
        except httpx.HTTPError as error:
            raise RetryError("the gateway", str(error) or type(error).__name__) from error
        if answer.status_code in {400, 404}:
            told = answer.json()
            raise RefusedError(Refusal.INVALID, told["rule"], path=told["path"])
        if answer.status_code != 200:
            raise RetryError("the gateway", f"{path} answered {answer.status_code}")
        content: dict[str, Any] = answer.json()
        return content
