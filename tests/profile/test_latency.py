"""Latency: the median of enough calls, whatever the clock."""

from __future__ import annotations

import time

from nascompile.profile.latency import measure


def test_the_median_ignores_an_outlier() -> None:
    pauses = iter([0.0, 0.0, 0.0, 0.2] + [0.005] * 100)
    found = measure(lambda: time.sleep(next(pauses)), seconds=0, warmup=3, least=11, threads=2)
    assert (found.calls, found.threads) == (11, 2)
    assert 5 <= found.median < 50
    assert found.low <= found.median <= found.high


def test_it_goes_on_until_the_time_is_over() -> None:
    assert measure(lambda: time.sleep(0.001), seconds=0.1, warmup=0, least=2).calls > 20
