"""Quotas: what an app may send in the long run, at once, and when it may send again."""

from __future__ import annotations

import pytest

from lrs.api.gateway import quotas as module
from lrs.api.gateway.answers import HttpError, error_answer
from lrs.api.gateway.quotas import Quotas
from lrs.kernel.errors import RefusedError
from lrs.store.registry.quotas import Quota, make_quota


class Clock:
    """A time that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _quotas(clock: Clock, default: float = 0.0, **own: Quota) -> Quotas:
    return Quotas(own.get, default=default, clock=clock)


def test_an_app_without_a_quota_sends_as_much_as_it_likes() -> None:
    quotas = _quotas(Clock(), drill=Quota(1, 1))
    for _ in range(100):
        quotas.check("other")
        quotas.take("other", 1000)


def test_an_app_sends_its_burst_at_once_and_then_its_rate() -> None:
    clock = Clock()
    quotas = _quotas(clock, drill=Quota(10, 100))
    quotas.take("drill", 60)
    quotas.take("drill", 40)
    with pytest.raises(HttpError):
        quotas.check("drill")
    clock.now += 3
    quotas.take("drill", 30)
    with pytest.raises(HttpError):
        quotas.take("drill", 1)
    clock.now += 1000
    quotas.take("drill", 100)
    with pytest.raises(HttpError):
        quotas.take("drill", 1)


@pytest.mark.parametrize(("statements", "seconds"), [(1, 1), (10, 1), (11, 2), (100, 10), (1000, 10)])
def test_who_comes_again_when_told_is_let_in_and_not_before(statements: int, seconds: int) -> None:
    clock = Clock()
    quotas = _quotas(clock, drill=Quota(10, 100))
    quotas.take("drill", 100)
    with pytest.raises(HttpError) as refused:
        quotas.take("drill", statements)
    answer = error_answer(refused.value)
    assert answer.status == 429
    assert dict(answer.headers)[b"retry-after"] == b"%d" % seconds
    assert b"the app drill may send 10 statements a second, and 100 at once" in answer.body
    clock.now += seconds - 1
    if statements > 10:
        with pytest.raises(HttpError):
            quotas.take("drill", statements)
    clock.now += 1
    quotas.take("drill", statements)


def test_a_request_larger_than_the_burst_is_let_in_after_a_pause_and_paid_for() -> None:
    clock = Clock()
    quotas = _quotas(clock, drill=Quota(10, 20))
    quotas.take("drill", 120)
    clock.now += 9
    with pytest.raises(HttpError) as refused:
        quotas.check("drill")
    assert refused.value.headers == ((b"retry-after", b"2"),)
    clock.now += 2
    quotas.check("drill")


def test_what_was_not_stored_is_given_back() -> None:
    quotas = _quotas(Clock(), drill=Quota(1, 10))
    quotas.take("drill", 10)
    quotas.give_back("drill", 10)
    quotas.take("drill", 10)


def test_apps_do_not_use_each_others_quota_and_each_has_the_default() -> None:
    clock = Clock()
    quotas = _quotas(clock, 5, drill=Quota(10, 10))
    quotas.take("drill", 10)
    quotas.take("one", 50)
    quotas.take("two", 50)
    for app in ("drill", "one", "two"):
        with pytest.raises(HttpError):
            quotas.take(app, 1)


def test_a_changed_quota_holds_at_once() -> None:
    own = {"drill": Quota(1, 1)}
    quotas = Quotas(own.get, clock=Clock())
    quotas.take("drill", 1)
    own["drill"] = Quota(1, 50)
    quotas.take("drill", 50)
    del own["drill"]
    quotas.take("drill", 1000)


def test_memory_is_bounded_and_nobody_is_let_off_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BUCKETS", 10)
    clock = Clock()
    quotas = Quotas(lambda _: Quota(1, 100), clock=clock)
    quotas.take("greedy", 100)
    for number in range(30):
        quotas.take(f"app{number}", 1)
        clock.now += 2
    assert len(quotas._buckets) <= 11  # noqa: SLF001 - how much is kept cannot be seen from outside
    with pytest.raises(HttpError):
        quotas.take("greedy", 100)


@pytest.mark.parametrize(
    ("per_second", "burst", "field"), [(0, None, "quota"), (-1, None, "quota"), (1e10, 1, "quota"), (5, 0, "burst")]
)
def test_a_quota_that_lets_nothing_in_is_refused_by_its_field(per_second: float, burst: int | None, field: str) -> None:
    with pytest.raises(RefusedError) as refused:
        make_quota(per_second, burst)
    assert refused.value.path == field


def test_without_a_burst_it_is_ten_seconds_worth() -> None:
    assert make_quota(2.5) == Quota(2.5, 25)
    assert make_quota(0.01) == Quota(0.01, 1)
