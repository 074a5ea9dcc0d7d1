"""How much each app may send: a bucket of statements that fills at the rate of its quota, and empties as it sends.

Belongs to one gateway process: several of them let an app send as much each.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from lrs.api.gateway.answers import HttpError
from lrs.kernel import metrics
from lrs.store.registry.quotas import Quota, make_quota

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_BUCKETS = 10_000


class _Bucket:
    __slots__ = ("at", "left", "quota")

    def __init__(self, quota: Quota, at: float) -> None:
        self.quota = quota
        self.left = float(quota.burst)
        self.at = at

    def fill(self, now: float) -> None:
        self.left = min(self.quota.burst, self.left + (now - self.at) * self.quota.statements_per_second)
        self.at = now


class Quotas:
    """Belongs to one event loop."""

    def __init__(
        self,
        quota_of: Callable[[str], Quota | None],
        *,
        default: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`quota_of`: an app's own, if it has one; `default`: those a second of every other app, 0: no limit."""
        self._quota_of = quota_of
        self._default = make_quota(default) if default else None
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def check(self, app: str) -> None:
        """Raise the 429 of an app that may not send a single statement now, before anything is done for it."""
        bucket = self._bucket(app)
        if bucket is not None and bucket.left < 1:
            raise _over(app, bucket, 1)

    def take(self, app: str, statements: int) -> None:
        """The app sends so many. Raises a 429 that says the quota, and with Retry-After when they will be let in.

        A request of more than the burst is let in when nothing was sent for long enough, and is then paid for.
        """
        bucket = self._bucket(app)
        if bucket is None:
            return
        needed = min(statements, bucket.quota.burst)
        if bucket.left < needed:
            raise _over(app, bucket, needed)
        bucket.left -= statements

    def give_back(self, app: str, statements: int) -> None:
        """They were not stored, through no fault of the app's."""
        bucket = self._buckets.get(app)
        if bucket is not None:
            bucket.left += statements

    def _bucket(self, app: str) -> _Bucket | None:
        quota = self._quota_of(app) or self._default
        if quota is None:
            self._buckets.pop(app, None)
            return None
        now = self._clock()
        bucket = self._buckets.get(app)
        if bucket is None or bucket.quota != quota:
            self._make_room(now)
            bucket = self._buckets[app] = _Bucket(quota, now)
        bucket.fill(now)
        return bucket

    def _make_room(self, now: float) -> None:
        """Forget those that are full again: a new one is just the same."""
        if len(self._buckets) < _MOST_BUCKETS:
            return
        for bucket in self._buckets.values():
            bucket.fill(now)
        self._buckets = {app: bucket for app, bucket in self._buckets.items() if bucket.left < bucket.quota.burst}


def _over(app: str, bucket: _Bucket, needed: int) -> HttpError:
    metrics.GATEWAY_OVER_QUOTA.labels(app).inc()
    rate, burst = bucket.quota
    seconds = max(1, math.ceil((needed - bucket.left) / rate))
    rule = (
        f"the app {app} may send {rate:g} statements a second, and {burst} at once after a pause; "
        f"send this again in {seconds} s"
    )
    return HttpError(429, "over_quota", rule, headers=((b"retry-after", b"%d" % seconds),))
