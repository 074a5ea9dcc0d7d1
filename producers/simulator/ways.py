"""The two ways into a zone: xAPI over HTTP with keep-alive connections, and the SDK straight into Kafka."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Self

from lrs.kernel.errors import StopError
from producers.sdk import SendError, StatementPublisher
from producers.simulator.http_pool import BrokenError, HttpPool, Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrs.kernel.settings import BrokerSettings
    from producers.simulator.acknowledgements import Ledger, Numbered
    from producers.simulator.apps import App

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_TIMEOUT_SECONDS = 30.0
_BUSY = 429


class HttpWay:
    """Posts statements with the Basic credential of their app."""

    def __init__(
        self,
        endpoint: str,
        credentials: Mapping[str, tuple[str, str]],
        apps: Sequence[App],
        ledger: Ledger,
        *,
        patience_seconds: float,
    ) -> None:
        """`endpoint` is the xAPI base URL, `credentials` each app's key and secret."""
        missing = [app.name for app in apps if app.name not in credentials]
        if missing:
            msg = f"no credential for {', '.join(missing)}"
            raise StopError(msg, remedy="Add one with `ayumi credential add` and name it in the plan.")
        self._url = f"{endpoint.rstrip('/')}/statements"
        self._headers = {app.name: _headers(app, *credentials[app.name]) for app in apps}
        self._ledger = ledger
        self._patience = patience_seconds
        self._pool = HttpPool(self._url, timeout_seconds=_TIMEOUT_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    async def send(self, app: str, emissions: list[Numbered]) -> None:
        """Post one statement, or several as an array; again with the same ids while the gateway is away or busy."""
        single = len(emissions) == 1
        body = emissions[0].body if single else b"[" + b",".join(each.body for each in emissions) + b"]"
        answer = await self._answer(app, body, len(emissions))
        if answer is None:
            self._ledger.give_up(emissions, f"no answer from {self._url} in {self._patience:g} s")
            return
        if answer.status in (401, 403):
            problem = f"the gateway does not let {app} in ({answer.status})"
            raise StopError(problem, remedy="Check the key and secret that the plan names for this app.")
        rejected = 400 <= answer.status < 500
        if rejected != emissions[0].rejectable and not emissions[0].conflict:
            self._ledger.surprise(
                f"{app}: {answer.status} {answer.body[:300].decode('utf-8', 'replace')}", len(emissions)
            )
        self._ledger.answer(emissions, answer.status)

    async def _answer(self, app: str, body: bytes, statements: int) -> Response | None:
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + self._patience, _FIRST_PAUSE
        while True:
            try:
                answer = await self._pool.post(self._headers[app], body)
            except BrokenError:
                self._ledger.resent += statements
            else:
                if answer.status < 500 and answer.status != _BUSY:
                    return answer
                # A 503 may follow a write that the broker did not confirm in time but has.
                self._ledger.resent += statements
            if loop.time() + pause > deadline:
                return None
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _headers(app: App, key: str, secret: str) -> dict[str, str]:
    basic = base64.b64encode(f"{key}:{secret}".encode()).decode()
    return {
        "authorization": f"Basic {basic}",
        "content-type": "application/json",
        "x-experience-api-version": app.xapi_version,
    }


class SdkWay:
    """Sends through the SDK, one publisher an app."""

    def __init__(
        self, broker: BrokerSettings, zone: str, apps: Sequence[App], ledger: Ledger, *, patience_seconds: float
    ) -> None:
        self._publishers = {
            app.name: StatementPublisher(
                broker, zone=zone, app=app.name, xapi_version=app.xapi_version, retry_seconds=patience_seconds
            )
            for app in apps
        }
        self._ledger = ledger
        self._started: list[StatementPublisher] = []

    async def __aenter__(self) -> Self:
        try:
            for publisher in self._publishers.values():
                self._started.append(await publisher.__aenter__())
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for publisher in self._started:
            await publisher.__aexit__(None, None, None)
        self._started.clear()

    async def send(self, app: str, emissions: list[Numbered]) -> None:
        """Put the statements on the log; the SDK itself tries again with the same ids while the broker is away."""
        try:
            await self._publishers[app].send_many([each.body for each in emissions])
        except SendError as error:
            places = {lost.place for lost in error.unsent}
            sent = [each for place, each in enumerate(emissions) if place not in places]
            self._ledger.confirm(sent)
            self._ledger.give_up((emissions[place] for place in sorted(places)), f"{app}: {error.unsent[0].error}")
        else:
            self._ledger.confirm(emissions)
