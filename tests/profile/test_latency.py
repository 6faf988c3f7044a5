"""Latency: the median of enough calls, whatever the clock, and no trust in noise."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from nascompile.profile.latency import measure, median_interval, summed_up


def clock_of(durations: list[float]) -> Callable[[], float]:
    """A clock under which the calls take these milliseconds, the last one for ever."""
    now, calls = [0.0], [0]

    def clock() -> float:
        calls[0] += 1
        if calls[0] % 2 == 0:
            now[0] += durations[min(calls[0] // 2 - 1, len(durations) - 1)] / 1e3
        return now[0]

    return clock


def test_the_median_ignores_an_outlier() -> None:
    found = measure(lambda: None, seconds=0, least=11, threads=2, clock=clock_of([200.0] + [5.0] * 100))
    assert (found.calls, found.threads) == (11, 2)
    assert found.median == pytest.approx(5.0)
    assert found.low <= found.median <= found.high


def test_it_stops_when_the_interval_is_narrow() -> None:
    found = measure(lambda: None, seconds=60, least=5, clock=clock_of([3.0]))
    assert found.is_stable
    assert found.calls == 10
    assert found.interval == pytest.approx((3.0, 3.0))


def test_it_goes_on_until_the_time_is_over() -> None:
    rng = random.Random(1)
    durations = [rng.choice([1.0, 3.0]) for _ in range(5000)]
    start = time.perf_counter()
    found = measure(lambda: time.sleep(0.001), seconds=0.1, least=2, clock=clock_of(durations))
    assert time.perf_counter() - start >= 0.1
    assert found.calls >= 10
    assert not found.is_stable


def test_a_wide_spread_is_not_stable() -> None:
    found = summed_up([1.0, 2.0] * 10 + [1.5] * 400 + [1.0, 2.0] * 300)
    assert found.unstable is not None and "spread" in found.unstable


def test_a_drift_is_not_stable() -> None:
    found = summed_up([1.0] * 300 + [1.06] * 299, narrow=0.1)
    assert found.unstable is not None and "second half" in found.unstable


def test_few_calls_are_not_stable() -> None:
    found = summed_up([1.0, 1.1, 1.2, 1.3])
    assert found.unstable is not None and "4 calls" in found.unstable


def test_the_interval_holds_the_median_in_19_of_20_samples() -> None:
    rng = random.Random(5)
    held = 0
    for _ in range(2000):
        low, high = median_interval([rng.expovariate(1.0) for _ in range(25)])
        held += low <= 0.693147 <= high
    assert 0.94 <= held / 2000 <= 0.985


def test_throughput_counts_the_batch() -> None:
    found = summed_up([10.0] * 20, batch=4)
    assert found.throughput == pytest.approx(400.0)
    assert found.as_json()["images_per_second"] == pytest.approx(400.0)
