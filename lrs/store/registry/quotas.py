"""How much each app may send: a rate, and how much at once. An app has one, however many keys it holds."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from lrs.kernel.errors import RefusedError
from lrs.kernel.reasons import Refusal
from lrs.store.registry.tables import QUOTAS

BURST_SECONDS = 10
_MOST = 1_000_000_000


class Quota(NamedTuple):
    """`statements_per_second` in the long run, and `burst` statements at once after a pause."""

    statements_per_second: float
    burst: int


def make_quota(statements_per_second: float, burst: int | None = None) -> Quota:
    """Without `burst` ten seconds' worth. Raises `RefusedError`, naming the field."""
    if not 0 < statements_per_second <= _MOST:
        rule = f"a quota is more than 0 and at most {_MOST} statements a second"
        raise RefusedError(Refusal.INVALID, rule, path="quota")
    at_once = max(1, round(statements_per_second * BURST_SECONDS)) if burst is None else burst
    if not 0 < at_once <= BURST_SECONDS * _MOST:
        raise RefusedError(Refusal.INVALID, "a burst is at least 1 statement", path="burst")
    return Quota(float(statements_per_second), at_once)


def read_quotas(connection: sa.Connection) -> dict[str, Quota]:
    """The quota of every app that has one of its own."""
    return {row.app: Quota(row.statements_per_second, row.burst) for row in connection.execute(sa.select(QUOTAS))}


def write_quota(connection: sa.Connection, app: str, quota: Quota | None) -> None:
    """From now on the app has this quota; None: none of its own."""
    connection.execute(sa.delete(QUOTAS).where(QUOTAS.c.app == app))
    if quota is not None:
        connection.execute(sa.insert(QUOTAS).values({"app": app, **quota._asdict()}))
