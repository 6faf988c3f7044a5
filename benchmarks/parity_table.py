"""Write `docs/parity.md`: of every file of recorded numbers, how many values the tests compare, and why not the others.

    python benchmarks/parity_table.py                # runs every test that reads a file of tests/golden (10 minutes)
    python benchmarks/parity_table.py --missing FILE # also lists the values of FILE that no passing test reads
    python benchmarks/parity_table.py TEST ...       # runs these tests only and prints their rows, writes nothing

The numbers are counted while the tests run (`parity_readings.py`); the reasons stand in `parity_reasons.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from parity_readings import Place, Readings
from parity_reasons import ELSEWHERE, HOLDS, REASONS, SKIPPED

ROOT = Path(__file__).resolve().parents[1]
TESTS = (
    "tests/golden",
    "tests/train/test_losses.py",
    "tests/train/test_metrics.py",
    "tests/train/test_optimisers.py",
    "tests/data/test_mixing.py",
)
ABOUT = re.compile(
    r"source|patch(es)?|rules?|rule_B|arch_rule|arch_param_rule|torch|numpy|meta|doc|notes?|format|inputs|setup|seed|stub|"
    r"in_|note_network|alphas_order|encoding|case|scale|python_random|kind|predictor|random"
)
"""Keys of what describes the numbers."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--missing", metavar="FILE", help="a stem: wdan_ops")
    parser.add_argument("tests", nargs="*", metavar="TEST")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.chdir(ROOT)
    readings = Readings()
    json.loads = readings.loads  # type: ignore[assignment]
    code = pytest.main(["-q", "-p", "no:cacheprovider", *(options.tests or TESTS)], plugins=[readings])
    if options.tests:
        print(*rows(readings), sep="\n")
    else:
        (ROOT / "docs" / "parity.md").write_text(page(readings), encoding="utf-8")
    if options.missing:
        for name, count in missing(readings, options.missing).most_common():
            print(count, name)
    raise SystemExit(int(code))


def counted(readings: Readings, name: str) -> set[Place]:
    """The values of a file that say what an original computed."""
    return {place for place in readings.values[name] if not any(ABOUT.fullmatch(str(key)) for key in place[1:])}


def missing(readings: Readings, name: str) -> Counter[str]:
    """How often no test reads a value, by the last two keys."""
    left = counted(readings, name) - readings.compared
    return Counter("/".join(str(key) for key in place[-2:] if not isinstance(key, int)) for place in left)


def rows(readings: Readings) -> list[str]:
    """The table's rows, of every file that a test reads."""
    found = []
    for name in sorted(set(readings.values) & set(readings.tests)):
        there = counted(readings, name)
        tests = readings.tests.get(name, {})
        done = len(there & readings.compared)
        passed = f"{sum(tests.values())} of {len(tests)}" if not all(tests.values()) else f"all {len(tests)}"
        reason = "; ".join(REASONS.get(name, ())) or "nothing"
        found.append(f"| `{name}` | {HOLDS[name]} | {passed} | {done:,} of {len(there):,} | {reason} |")
    return found


def page(readings: Readings) -> str:
    """The whole page."""
    skipped = [f"| `{name}` | {reason} |" for name, reason in SKIPPED.items()]
    return "\n".join([HEAD, *rows(readings), "", ELSEWHERE, "", "| file | why |", "|---|---|", *skipped, ""])


HEAD = """# What is compared with the originals

`tests/golden` holds what the five systems' own code computed: counts, outputs, gradients, genotypes, traces. Every test
there goes through the shipped `.nas` text. Counts, genotypes and enumerations must be equal; tensors, losses and
gradients agree within 1e-6 of the tensor's largest value, in double precision.

This page is written by `python benchmarks/parity_table.py` while the tests run: *tests* are those that read a value of
the file and how many passed; a *value* is what stands at a key or an index, a number or a list of them; descriptions of
a case do not count. A value counts as compared when a test that passed read it.

| file | what it holds | tests that passed | values compared | not compared, and why |
|---|---|---|---|---|"""


if __name__ == "__main__":
    main()
