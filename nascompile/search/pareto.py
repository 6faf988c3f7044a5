"""Sets of trade-offs: domination, fronts, crowding, the knee, and exact hypervolume. All values are minimised."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

Point = Sequence[float]


def dominates(a: Point, b: Point) -> bool:
    """Whether `a` is nowhere worse than `b` and somewhere better."""
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


def fronts(points: Sequence[Point]) -> list[list[int]]:
    """Indices of the points, sorted into fronts: the first is dominated by nothing, the second only by the first, ...

    Equal points are in the same front. Points are visited in lexicographic order, each is put into the first front that
    does not dominate it (binary search over fronts, Zhang et al., IEEE TEVC 19(2), 2015). Within a front: input order.
    """
    order = sorted(range(len(points)), key=lambda i: (tuple(points[i]), i))
    found: list[list[int]] = []
    for index in order:
        point = points[index]
        low, high = 0, len(found)
        while low < high:
            middle = (low + high) // 2
            if any(dominates(points[other], point) for other in reversed(found[middle])):
                low = middle + 1
            else:
                high = middle
        if low == len(found):
            found.append([])
        found[low].append(index)
    return [sorted(front) for front in found]


def first_front(points: Sequence[Point]) -> list[int]:
    """Indices of the points that nothing dominates, in input order."""
    return fronts(points)[0] if points else []


def crowding(points: Sequence[Point]) -> list[float]:
    """Crowding distances within one front (Deb et al., "NSGA-II", IEEE TEVC 6(2), 2002); ends have infinity."""
    distances = [0.0] * len(points)
    for axis in range(len(points[0]) if points else 0):
        order = sorted(range(len(points)), key=lambda i: points[i][axis])
        low, high = points[order[0]][axis], points[order[-1]][axis]
        distances[order[0]] = distances[order[-1]] = float("inf")
        if high > low:
            for before, at, after in zip(order, order[1:], order[2:], strict=False):
                distances[at] += (points[after][axis] - points[before][axis]) / (high - low)
    return distances


def knee(points: Sequence[Point]) -> int:
    """The index of the knee of a front: the point that lies farthest below the plane through the best of each axis.

    With every axis scaled to 0..1 over the front this is the smallest sum (Das, "On characterizing the 'knee' of the
    Pareto curve", Structural Optimization 18, 1999); the first of equals. Raises ValueError for no point.
    """
    if not points:
        raise ValueError("no point has a knee")
    columns = list(zip(*points, strict=True))
    spans = [(min(c), (max(c) - min(c)) or 1.0) for c in columns]
    sums = [sum((v - low) / span for v, (low, span) in zip(point, spans, strict=True)) for point in points]
    return sums.index(min(sums))


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """The exact volume that the points dominate up to `reference`; points that do not reach below it add nothing.

    One to three objectives take O(n log n) (Beume et al., IEEE TEVC 13(5), 2009, for three); with more, slices along
    the last axis are summed, each a hypervolume of one axis less.
    """
    inside = [tuple(map(float, p)) for p in points if all(x < r for x, r in zip(p, reference, strict=True))]
    if not inside:
        return 0.0
    axes = len(reference)
    if axes == 1:
        return float(reference[0]) - min(p[0] for p in inside)
    if axes == 2:
        return _area(inside, reference)
    if axes == 3:
        return _volume(inside, reference)
    inside.sort(key=lambda p: p[-1])
    total = 0.0
    levels = [*(p[-1] for p in inside), float(reference[-1])]
    for count, (low, high) in enumerate(pairwise(levels), start=1):
        if high > low:
            total += (high - low) * hypervolume([p[:-1] for p in inside[:count]], reference[:-1])
    return total


def _area(points: Sequence[Point], reference: Point) -> float:
    total, ceiling = 0.0, float(reference[1])
    for x, y in sorted((p[0], p[1]) for p in points):
        if y < ceiling:
            total += (reference[0] - x) * (ceiling - y)
            ceiling = y
    return total


def _volume(points: Sequence[tuple[float, ...]], reference: Point) -> float:
    """A sweep along the third axis, with the staircase of the first two kept sorted (x up, y down) and its area."""
    right, top = float(reference[0]), float(reference[1])
    xs: list[float] = [float("-inf"), right]
    ys: list[float] = [top, float("-inf")]
    area = total = 0.0
    level = 0.0
    for x, y, z in sorted(points, key=lambda p: p[2]):
        total += area * (z - level)
        level = z
        place = bisect_left(xs, x)
        if ys[place - 1] <= y or (xs[place] == x and ys[place] <= y):
            continue
        # Steps from `place` on that lie above y are covered by the new one.
        end = place
        height, left = ys[place - 1], x
        while ys[end] >= y:
            area += (xs[end] - left) * (height - y)
            left, height = xs[end], ys[end]
            end += 1
        area += (xs[end] - left) * (height - y)
        xs[place:end] = [x]
        ys[place:end] = [y]
    return total + area * (float(reference[2]) - level)
