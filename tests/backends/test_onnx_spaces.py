"""Every network exports: random genotypes of all shipped spaces, with free sizes, through the gate.

A small one of each space in `make test` (3 minutes of one core); the 300 of `benchmarks/onnx_always.py` in
`make test-all`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("onnxruntime")

SPACES = 15
COUNT = 300
FAST = (78, 83, 86, 87, 88, 90, 91, 97, 99, 107, 109, 110, 115, 119, 126)
FIXED = ("analog_nas",)
"""`flatten -> linear` fixes the sizes of its images."""


@pytest.fixture(scope="module")
def benchmark_(root: Path) -> Iterator[ModuleType]:
    """`benchmarks/onnx_always.py`."""
    before = list(sys.path)
    sys.path.insert(0, str(root / "benchmarks"))
    yield import_module("onnx_always")
    sys.path[:] = before


@pytest.mark.parametrize("number", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in range(COUNT)])
def test_a_random_genotype_exports(benchmark_: ModuleType, number: int) -> None:
    assert len(benchmark_.SPACES) == SPACES == len({n % SPACES for n in FAST})
    space = benchmark_.SPACES[number % SPACES]
    found = benchmark_.attempt(space, number)
    assert "problem" not in found, found
    axes = [0] if space.name in FIXED else list(range(len(space.input) + 1))
    assert found["free"] == [axis for axis in axes if axis != 1]
