"""Prices without elaborating: how fast, over which range, and what a draw is expected to cost."""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Iterator
from typing import Any

from soundness import SPACES, library, open_space

from nascompile.profile.bounds import cost_range
from nascompile.profile.diagrams import NotTabulated
from nascompile.profile.expectation import Expectation
from nascompile.profile.pricing import Pricer

GENOTYPES = 4096


def pricing(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Genotypes priced a second of one core's time, many at once and one by one; `prepare`: seconds to find the terms.

    What is priced are parameters, multiply-accumulates and activations; 10 of the genotypes are elaborated as well and
    have to agree.
    """
    for space in SPACES:
        searched = open_space(space)
        start = time.perf_counter()
        pricer = Pricer(library(space.name), searched)
        is_tabulated = pricer.is_tabulated
        prepare = time.perf_counter() - start
        drawn = [searched.sample(random.Random(seed)) for seed in range(GENOTYPES if is_tabulated else 24)]
        rates = []
        for _ in range(options.repeats if is_tabulated else 1):
            start = time.process_time()
            prices = pricer.prices(drawn)
            rates.append(len(drawn) / (time.process_time() - start))
        start = time.process_time()
        for genotype in drawn[:50]:
            pricer.price(genotype)
        single = min(50, len(drawn)) / (time.process_time() - start)
        wrong = sum(p != pricer.elaborated(g.values) for p, g in zip(prices, drawn[:10], strict=False))
        value = {
            "is_tabulated": is_tabulated, "prepare": prepare, "per_second": statistics.median(rates),
            "single_per_second": single if is_tabulated else None, "wrong": wrong,
        }  # fmt: skip
        print(f"pricing {space.label:28} {value['per_second']:.0f} / s, prepared in {prepare:.2f} s", flush=True)
        yield space.label, value


def ranges(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """The least and the largest parameters and multiply-accumulates of every space, and the seconds to find them."""
    for space in SPACES:
        pricer = Pricer(library(space.name), open_space(space))
        for measure in ("params", "macs"):
            start = time.perf_counter()
            try:
                found = cost_range(pricer, measure)
            except NotTabulated:
                found = None
            seconds = time.perf_counter() - start
            value: dict[str, Any] = {"seconds": seconds}
            if found is not None:
                for name, end in (("low", found.low), ("high", found.high)):
                    value[name] = {"bound": end.bound, "cost": end.cost, "is_exact": end.is_exact}
            print(f"range {space.label:28} {measure:7} {seconds:6.2f} s {value}", flush=True)
            yield f"{space.label} {measure}", value


def expectations(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Milliseconds for expected MACs with their gradient, without torch; `prepare`: seconds before the first."""
    for space in SPACES:
        pricer = Pricer(library(space.name), open_space(space))
        start = time.perf_counter()
        try:
            expectation = Expectation(pricer.program(), "macs")
        except NotTabulated:
            continue
        prepare = time.perf_counter() - start
        given = {path: [1 / count] * count for path, count in expectation.inputs().items()}
        times = []
        for _ in range(options.repeats):
            start = time.perf_counter()
            found = expectation(given)
            times.append(time.perf_counter() - start)
        value = {"prepare": prepare, "milliseconds": statistics.median(times) * 1e3, "value": found.value}
        print(f"expectation {space.label:28} {value['milliseconds']:.2f} ms", flush=True)
        yield space.label, value
