"""Decoding gives the genotypes that the originals give: NAS-Unet, MixSearch's two stages, DiNTS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from originals import cell_values, dints_edges, dints_values, reference, slots, softmax, space

from nascompile.space.decode import decode

NASUNET = reference("nasunet_discretize")["cases"]
WDAN = [
    (case, stage) for case in reference("wdan_discretize")["cases"] for stage in ("stage0", "stage1") if stage in case
]
DINTS = [
    (config, record) for config in reference("dints_decode")["configs"].values() for record in config["records"]
]  # fmt: skip


@pytest.mark.parametrize("case", NASUNET, ids=lambda case: f"{case['case']}-{case['meta_node_num']}nodes")
def test_nas_unet(case: dict[str, Any]) -> None:
    nodes = case["meta_node_num"]
    searched = space("nas_unet", "nas_unet", (1, 64, 64), nodes=nodes, share=case["sharing"])
    alphas = {name: softmax(rows) for name, rows in case["alphas"].items() if isinstance(rows, list)}
    alphas.setdefault("alphas_normal_up", alphas["alphas_normal_down"])
    weights = {}
    for side in ("down", "up"):
        for path, row, j in slots(f"{side}_sc", nodes):
            is_normal = j > 1 or (side == "up" and j == 0)
            table = f"alphas_normal_{side}" if is_normal else f"alphas_{side}"
            weights[searched.decisions[path].parameters] = alphas[table][row]
    expected = cell_values("down_sc", case["genotype"]["down"]) | cell_values("up_sc", case["genotype"]["up"])
    assert decode(searched, weights).values == expected


@pytest.mark.parametrize(("case", "stage"), WDAN, ids=lambda v: v if isinstance(v, str) else str(v["case"]))
def test_mixsearch(case: dict[str, Any], stage: str) -> None:
    searched = space("mixsearch", "wdan", (3, 64, 64))
    alphas = {side: softmax(case[stage][f"alphas_{side}"]) for side in ("normal", "down", "up")}
    weights, kept, expected = {}, {}, {}
    for cell in ("normal_down", "normal_up", "normal_normal"):
        expected.update(cell_values(cell, case[stage]["genotype"][cell]))
        for path, row, j in slots(cell, 4):
            side = cell.removeprefix("normal_") if j == 1 else "normal"
            weights[searched.decisions[path].parameters] = alphas[side][row]
            if stage == "stage1":
                kept[path] = case["kept_after_stage0"][side][row]
    genotype = decode(searched.restricted(kept), weights)
    assert {path: value for path, value in genotype.values.items() if path not in genotype.implied} == expected


@pytest.mark.parametrize(
    ("config", "record"),
    DINTS,
    ids=lambda v: f"d{v['num_depths']}b{v['num_blocks']}" if "records" in v else str(v["seed"]),
)
def test_dints(config: dict[str, Any], record: dict[str, Any]) -> None:
    blocks, depths, rank = config["num_blocks"], config["num_depths"], config["spatial_dims"]
    searched = space("dints", "dints", (1, *[32] * rank), blocks=blocks, depths=depths)
    weights = {}
    keep = 1 / (1 + np.exp(-np.array(record["log_alpha_a"])))
    operators = softmax(operator_logits(record, keep.shape, 5 if rank == 3 else 2))
    for b in range(blocks):
        weights[f"kept[{b}]"] = keep[b]
        for edge, (i, o) in enumerate(dints_edges(depths)):
            weights[f"edge[{b}, {i}, {o}]"] = operators[b, edge]
    expected = dints_values(depths, record["arch_code_a"], record["arch_code_c"])
    assert decode(searched, weights).values == expected


def operator_logits(record: dict[str, Any], shape: tuple[int, ...], count: int) -> Any:
    """`log_alpha_c`, stored or drawn again by the rule that the file states."""
    if "log_alpha_c" in record:
        return record["log_alpha_c"]
    rng = np.random.RandomState(record["seed"])
    spread, mean, deviation = {"init": (0.01, 1.0, 0.01), "wide": (2.0, 1.0, 1.0), "extreme": (6.0, 0.0, 4.0)}[
        record["kind"]
    ]
    assert np.array_equal(np.round(rng.normal(0, spread, shape), 6), record["log_alpha_a"])
    return np.round(rng.normal(mean, deviation, (*shape, count)), 6)
