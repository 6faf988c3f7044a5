"""How fast the compiler answers: checking a text, elaborating, sampling, pricing. None of it needs torch."""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from soundness import SPACES, library, open_space

from nascompile.profile.cost import cost_of
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate

SECONDS = 2.0
"""How long a rate is measured for each space."""


def check_process(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Seconds of a whole `nascompile check` process for every shipped text, median of the repeats."""
    for path in sorted(resource("specs").glob("*.nas")):
        times = []
        for _ in range(min(options.repeats, 5)):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", "nascompile.cli.app", "check", str(path)], capture_output=True)
            times.append(time.perf_counter() - start)
        value = statistics.median(times)
        print(f"check {path.name:20} {value:.3f} s", flush=True)
        yield path.name, value


def elaborate_rate(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Seconds to elaborate every shipped space with its decisions open, median of the repeats."""
    for space in SPACES:
        texts = library(space.name)
        times = []
        for _ in range(options.repeats):
            start = time.perf_counter()
            elaborate(texts, Request(space.name, space.arguments, space.input))
            times.append(time.perf_counter() - start)
        value = statistics.median(times)
        print(f"elaborate {space.label:24} {value:.4f} s", flush=True)
        yield space.label, value


def sample_rate(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Genotypes drawn a second, uniformly and legal, once the table of counts is built (`table`: its seconds)."""
    for space in SPACES:
        searched = open_space(space)
        start = time.perf_counter()
        searched.size()
        table = time.perf_counter() - start
        rng, drawn, start = random.Random(0), 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            searched.sample(rng)
            drawn += 1
        value = {"table": table, "per_second": drawn / (time.perf_counter() - start)}
        print(f"sample {space.label:24} {value['per_second']:.0f} / s, table {table:.3f} s", flush=True)
        yield space.label, value


def cost_rate(options: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    """Genotypes elaborated and priced a second."""
    for space in SPACES:
        searched = open_space(space)
        genotypes = [searched.sample(random.Random(seed)) for seed in range(16)]
        priced, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            values = genotypes[priced % len(genotypes)].values
            cost_of(elaborate(library(space.name), Request(space.name, space.arguments, space.input, values, True)))
            priced += 1
        value = priced / (time.perf_counter() - start)
        print(f"cost {space.label:24} {value:.1f} / s", flush=True)
        yield space.label, value
