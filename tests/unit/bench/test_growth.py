"""What the soak run calls growth."""

from __future__ import annotations

import random

import pytest

from tests.bench.growth import Memory, Sample, growths, slope


def _samples(*sizes: float) -> list[Sample]:
    return [Sample(15.0 * number, {"lrs": Memory(size, 2 * size)}) for number, size in enumerate(sizes)]


def _noise(number: int) -> float:
    return random.Random(number).uniform(-8, 8)


def test_a_steady_leak_is_found_under_noise() -> None:
    found = growths(_samples(*(300 + 0.5 * number + _noise(number) for number in range(120))))
    assert [(growth.part, growth.kind, growth.grew) for growth in found] == [("lrs", "PSS", True), ("lrs", "RSS", True)]
    assert found[0].grown_mb == pytest.approx(0.5 * 71, rel=0.2)


def test_noise_is_not_growth() -> None:
    assert not any(growth.grew for growth in growths(_samples(*(300 + _noise(number) for number in range(120)))))


def test_what_fills_while_warming_up_is_not_growth() -> None:
    assert not any(growth.grew for growth in growths(_samples(*(min(300.0, 5.0 * number) for number in range(160)))))


def test_one_merge_in_the_middle_is_not_growth() -> None:
    sizes = [300.0 + (400 if number in {90, 91} else 0) for number in range(120)]
    assert not any(growth.grew for growth in growths(_samples(*sizes)))


def test_a_process_that_was_not_there_all_the_time_and_too_few_samples_tell_nothing() -> None:
    samples = _samples(*([300.0] * 120))
    assert growths([*samples[:-3], samples[-3]._replace(memory={}), *samples[-2:]]) == []
    assert growths(samples[:12]) == []


def test_the_slope_is_the_median_of_all_pairs() -> None:
    assert slope([(0, 0), (1, 2), (2, 4), (3, 1000), (4, 8), (5, 10)]) == 2
