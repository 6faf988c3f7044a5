"""The latency model: exact where it was measured, unsure elsewhere, and a table that survives a file."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.ir.program import Program
from nascompile.profile.fusion import kernels
from nascompile.profile.kernels import Kernel
from nascompile.profile.latency_calibration import Measured, corrected, fitted, rank_correlation, shares
from nascompile.profile.latency_medley import snippet_of
from nascompile.profile.latency_model import LatencyModel
from nascompile.profile.latency_regression import CALL, Regression
from nascompile.profile.latency_samples import samples
from nascompile.profile.latency_table import Correction, Table, find, read, text_of
from nascompile.profile.operations import operations_of

TARGET = {"name": "made", "threads": 1, "batch": 1, "block": 16}


def relus(count: int) -> dict[Kernel, float]:
    """Kernels of one family whose times follow a law that the mean does not know: slower beyond a cache."""
    rng = random.Random(2)
    found = {}
    while len(found) < count:
        channels, side = rng.choice((8, 16, 24, 32, 64)), rng.randint(8, 96)
        elements = channels * side * side
        found[Kernel("Relu", channels, channels, (side, side), (side, side))] = 1 + elements / 4e3 * (
            1 + (elements > 60_000)
        )
    return found


@pytest.fixture(scope="module")
def table() -> Table:
    return fitted(relus(60), TARGET, {}, lambda text: None)


def test_a_left_out_kernel_is_predicted_better_than_by_the_mean_alone(table: Table) -> None:
    found = relus(90)
    new = {k: t for k, t in found.items() if k not in table.times}
    assert len(new) == 30
    price = LatencyModel(table).price(new)
    errors = sorted(abs(math.log((price[k][0] + CALL) / (t + CALL))) for k, t in new.items())
    flat = replace(table.shapes["Relu"], signal=1e-6)
    mean = Regression(list(table.times), list(table.times.values()), flat, 16)
    plain, _ = mean.predict(list(new))
    worse = sorted(abs(math.log((float(p) + CALL) / (t + CALL))) for p, t in zip(plain, new.values(), strict=True))
    assert errors[15] < 0.05
    assert errors[15] < worse[15] / 3


def test_a_measured_kernel_keeps_its_time_and_a_far_one_is_unsure(table: Table) -> None:
    kernel, time = next(iter(table.times.items()))
    far = Kernel("Relu", 2048, 2048, (512, 512), (512, 512))
    price = LatencyModel(table).price([kernel, far])
    assert price[kernel][0] == pytest.approx(time, rel=0.05)
    assert price[far][1] > 2 * price[kernel][1]


def program_of(body: str) -> Program:
    text = f"nas 1\nimport std.layers\nspace s(x: image = [16, 32, 32]) {{\n{body}\n}}\n"
    made = Compilation.from_text(text)
    return made.program(made.call("s"), binding={}, is_fixed=True)


def test_a_kernel_without_a_family_is_unknown(table: Table) -> None:
    found = LatencyModel(table).predict(program_of("x -> relu -> tanh"))
    assert [k.kind for k in found.unknown] == ["Tanh"]
    assert found.low < found.ms < found.high


def test_a_prediction_is_the_sum_of_its_kernels(table: Table) -> None:
    table = replace(table, correction=Correction(7.0, 0.5, {"memory": 2.0}, 0.05))
    found = LatencyModel(table).predict(program_of("x -> relu -> conv(16, 1) -> relu"))
    assert found.ms == pytest.approx(found.start_ms + sum(p.ms for p in found.kernels))
    relu = found.kernels[0]
    alone, _ = LatencyModel(table).price([relu.kernel])[relu.kernel]
    assert relu.ms == pytest.approx((2.0 * alone + 0.5) / 1e3)
    assert all(p.paths for p in found.kernels)


def test_the_correction_is_found_again(table: Table) -> None:
    networks = [operations_of(program_of(" -> ".join(["x"] + ["relu -> elu"] * n))) for n in range(1, 9)]
    true = replace(table, correction=Correction(20.0, 1.0, {"memory": 1.3, "blocked": 1.0, "product": 1.0}))
    measured = [Measured(str(i), n, LatencyModel(true).predict_operations(n).ms) for i, n in enumerate(networks)]
    found = corrected(table, measured)
    for one in measured:
        assert LatencyModel(found).predict_operations(one.network).ms == pytest.approx(one.ms, rel=0.03)
    assert found.error["networks"]["within_10"] == 1.0


def test_a_table_survives_its_file(table: Table) -> None:
    back = read(text_of(table), "made.yaml")
    assert back.shapes == table.shapes
    assert back.times.keys() == table.times.keys()
    kernel = next(iter(table.times))
    assert back.times[kernel] == pytest.approx(table.times[kernel], rel=1e-4)
    assert (back.name, back.block) == ("made", 16)


def test_bad_lines_of_a_table_are_shown_in_their_place(table: Table) -> None:
    text = text_of(table).replace("kernels: |\n", "kernels: |\n  Relu 8>8 nonsense 3\n  Relu 8>8 4x4>4x4 -1\n")
    with pytest.raises(NasError) as caught:
        read(text, "bad.yaml")
    assert [d.code for d in caught.value.diagnostics] == ["bad-latency-table"] * 2
    label = caught.value.diagnostics[0].primary
    assert label is not None and label.span.text == "Relu 8>8 nonsense 3"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("format: nascompile", "format: other"),
        ("correction:", "corrections:"),
        ("  block: 16\n", "  block: wide\n"),
        ("format:", "format: [\n"),
        ("format: nascompile latency table 1", "!!python/object/apply:os.system ['true']"),
    ],
)
def test_a_table_that_is_none_is_a_diagnostic(table: Table, old: str, new: str) -> None:
    with pytest.raises(NasError) as caught:
        read(text_of(table).replace(old, new, 1), "bad.yaml")
    assert caught.value.diagnostics[0].code == "bad-latency-table"


def test_an_unknown_target_names_what_there_is() -> None:
    with pytest.raises(NasError) as caught:
        find("no-such-device")
    assert caught.value.diagnostics[0].code == "unknown-target"


def test_samples_are_the_same_for_a_seed_and_cover_the_families() -> None:
    drawn = [s.kernel for s in samples(400, 16, 3)]
    assert drawn == [s.kernel for s in samples(400, 16, 3)]
    kinds = {(k.kind, k.layout, len(k.size)) for k in drawn}
    assert {("Conv", "nchwc", 2), ("Conv", "", 3), ("ConvTranspose", "", 3), ("ResizeLinear", "", 3)} <= kinds


def test_most_kernels_of_a_network_can_be_measured_alone() -> None:
    text = (
        "a = x -> conv(32, 3) -> relu\nb = a -> max_pool(2) -> conv(32, 3)\n(a + (b -> interpolate(2))) -> conv(2, 1)"
    )
    for placed in kernels(operations_of(program_of(text))):
        if placed.kernel.kind not in ("ReorderInput", "ReorderOutput", "Free", "UpsampleNearest"):
            made = snippet_of(placed.kernel, 16)
            assert made is not None and made.kernel == placed.kernel


def test_ranks_share_ties() -> None:
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 40]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 1, 2, 3], [1, 1, 5, 9]) == pytest.approx(1)


def test_shares_count_relative_errors() -> None:
    found = shares([0.0, math.log(1.05), math.log(1.15), math.log(2)])
    assert (found["within_10"], found["within_20"]) == (0.5, 0.75)
