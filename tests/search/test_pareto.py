"""Fronts, crowding, knees and hypervolume against definitions and Optuna's own."""

from __future__ import annotations

import time

import numpy as np
import pytest
from optuna._hypervolume import compute_hypervolume

from nascompile.search.pareto import crowding, dominates, first_front, fronts, hypervolume, knee


def points(seed: int, count: int, axes: int, values: int = 5) -> list[list[float]]:
    return np.random.default_rng(seed).integers(0, values, (count, axes)).astype(float).tolist()


@pytest.mark.parametrize("axes", [1, 2, 3, 4])
def test_fronts_are_what_is_left_when_the_earlier_ones_are_gone(axes: int) -> None:
    for seed in range(30):
        given = points(seed, 40, axes)
        left = set(range(len(given)))
        for front in fronts(given):
            expected = {i for i in left if not any(dominates(given[j], given[i]) for j in left)}
            assert front == sorted(expected)
            left -= expected
        assert not left
        assert first_front(given) == fronts(given)[0]


@pytest.mark.parametrize("axes", [1, 2, 3, 4, 5])
def test_the_hypervolume_is_that_of_optuna(axes: int) -> None:
    for seed in range(40):
        given = points(seed, 12, axes)
        reference = [4.0 if seed % 2 else 5.0] * axes
        inside = np.array([p for p in given if all(x < r for x, r in zip(p, reference, strict=True))])
        expected = compute_hypervolume(inside, np.array(reference)) if len(inside) else 0.0
        assert hypervolume(given, reference) == pytest.approx(expected, abs=1e-9)


def test_points_beyond_the_reference_add_nothing() -> None:
    assert hypervolume([(0.5, 0.5, 2.0), (0.0, 0.0, 0.5)], (1, 1, 1)) == 0.5
    assert hypervolume([], (1, 1)) == 0.0


def test_two_thousand_points_in_three_dimensions_take_a_tenth_of_optunas_time() -> None:
    drawn = np.random.default_rng(0).random((2000, 3))
    front = 1.5 - drawn / np.linalg.norm(drawn, axis=1)[:, None]
    listed = front.tolist()
    times: dict[str, list[float]] = {"own": [], "optuna": []}
    for _ in range(3):
        start = time.perf_counter()
        own = hypervolume(listed, (2, 2, 2))
        times["own"].append(time.perf_counter() - start)
        start = time.perf_counter()
        theirs = compute_hypervolume(front, np.full(3, 2.0))
        times["optuna"].append(time.perf_counter() - start)
        assert own == pytest.approx(theirs, rel=1e-12)
    assert 10 * min(times["own"]) < min(times["optuna"])


def test_crowding_is_the_sum_of_scaled_gaps() -> None:
    found = crowding([(0, 10), (1, 4), (3, 2), (4, 0)])
    assert found == [float("inf"), pytest.approx(3 / 4 + 8 / 10), pytest.approx(3 / 4 + 4 / 10), float("inf")]


def test_the_knee_bends_most() -> None:
    assert knee([(0, 10), (1, 1), (9, 0)]) == 1
    assert knee([(5, 5)]) == 0
    with pytest.raises(ValueError, match="no point"):
        knee([])
