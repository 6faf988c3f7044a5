"""What the originals' rows of architecture parameters decode to, which of them matter, and which operators survive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from originals import cell_values, library, program, reference, slots, softmax, space

from nascompile.ir.program import Program
from nascompile.search.oneshot.staged import narrowed
from nascompile.space.decode import decode
from nascompile.space.space import SearchSpace

UNETS = reference("nasunet_supernet")["cases"]
LATTICES = reference("wdan_supernet")["cases"]
PAIRS = [(i, j) for i in range(4) for j in range(i + 2)]
CELLS = {"normal_down": "down", "normal_up": "up", "normal_normal": "normal"}
SHARED = {"steep": "down", "rise": "up", "flat": "normal"}
"""Our names of the rows of three tensors that all cells of a lattice share."""


def hashed(shape: list[int], number: int) -> Any:
    """Tensor `number` of architecture parameters by the recorded rule."""
    i = np.arange(int(np.prod(shape)), dtype=np.int64) + 1000 * number
    return (2 * (((31 * i * i + 17 * i + 7) % 1009) / 1009 - 0.5)).reshape(shape)


# --- NAS-Unet ---


def opened_unet(case: dict[str, Any]) -> SearchSpace:
    arguments = {"classes": case["num_classes"], "c": case["c"], "depth": case["depth"]}
    arguments |= {"nodes": case["meta_node_num"], "double": case["double_down_channel"], "share": case["use_sharing"]}
    return SearchSpace(program("nas_unet", "nas_unet", tuple(case["input"][1:]), **arguments))


def unet_row(path: str, j: int) -> str:
    """The tensor that has an edge's row."""
    is_up = path.startswith("up")
    changes_size = j == 1 if is_up else j < 2
    return f"alphas_{'' if changes_size else 'normal_'}{'up' if is_up else 'down'}"


@pytest.mark.parametrize("key", UNETS)
def test_unet_genotypes(key: str) -> None:
    case = UNETS[key]
    searched = opened_unet(case)
    rows = {name: softmax(hashed(shape, number)) for number, (name, shape) in enumerate(case["arch"])}
    rows.setdefault("alphas_normal_up", rows["alphas_normal_down"])
    weights = {}
    for side in ("down_sc", "up_sc"):
        for path, row, j in slots(side, case["meta_node_num"]):
            weights[searched.decisions[path].parameters] = rows[unet_row(path, j)][row]
    recorded = case["genotype_of_arch_rule"]
    expected = cell_values("down_sc", recorded["down"]) | cell_values("up_sc", recorded["up"])
    assert decode(searched, weights).values == expected


@pytest.mark.parametrize("key", UNETS)
def test_unet_rows_that_matter(key: str) -> None:
    """The recorded rows without a gradient are those that no edge of ours has."""
    case = UNETS[key]
    used: dict[str, set[int]] = {name: set() for name, _ in case["arch"]}
    for side in ("down_sc", "up_sc"):
        for path, row, j in slots(side, case["meta_node_num"]):
            name = unet_row(path, j)
            used[name if name in used else "alphas_normal_down"].add(row)
    names = {searched.parameters for searched in opened_unet(case).decisions.values() if searched.kind == "op"}
    assert len(names) == sum(map(len, used.values()))
    for name, shape in case["arch"]:
        assert sorted(set(range(shape[0])) - used[name]) == case["arch_rows_with_zero_grad"][name], name


@pytest.mark.parametrize("name", reference("nasunet_genotypes")["genotypes"])
def test_unet_joins_all_nodes(name: str) -> None:
    recorded = reference("nasunet_genotypes")["genotypes"][name]
    for side in ("down", "up"):
        assert recorded[f"{side}_concat"] == list(range(2, len(recorded[side]) // 2 + 2))


PRIMITIVES = {"CellPos(normal)": "normal", "CellLinkDownPos": "down", "CellLinkUpPos": "up"}


@pytest.mark.parametrize("text", ["nasunet", "wdan"])
def test_primitives_in_their_order(text: str) -> None:
    """The order is that of the columns of the originals' tensors."""
    decisions = program(
        *{"nasunet": ("nas_unet", "nas_unet"), "wdan": ("mixsearch", "wdan")}[text], (3, 64, 64)
    ).decisions
    down, up = {"nasunet": ("down_sc", "up_sc"), "wdan": ("normal_down", "normal_up")}[text]
    ours = {"normal": f"{down}.s[3].s[2]", "down": f"{down}.s[3].s[1]", "up": f"{up}.s[3].s[1]"}
    for list_, labels in reference(f"{text}_genotypes")["primitives"].items():
        assert list(decisions[ours[PRIMITIVES[list_]]].candidates) == labels


def test_roles_and_aliases() -> None:
    shipped = set(library("genotypes/mixsearch").genotypes)
    for role in reference("wdan_genotypes")["roles"].values():
        assert {name.split(" (")[0] for name in role.split(" / ")} <= shipped
    assert reference("nasunet_genotypes")["aliases"]["NASUNET"].startswith("NAS_UNET_V2 ")
    assert "NASUNET" in library("nas_unet").genotypes


# --- MixSearch ---


def opened_lattice(case: dict[str, Any]) -> Program:
    from mixsearch_rows import opened

    return opened(case)


def shared_row(name: str) -> tuple[str, int] | None:
    """(tensor, row) of our vector `steep[i, j]`."""
    family, _, index = name.rstrip("]").partition("[")
    if family not in SHARED:
        return None
    i, j = map(int, index.split(", "))
    return SHARED[family], PAIRS.index((i, j))


@pytest.mark.parametrize("key", LATTICES)
def test_lattice_genotypes(key: str) -> None:
    case = LATTICES[key]
    searched = SearchSpace(opened_lattice(case))
    rows = {name.removeprefix("alphas_"): softmax(hashed(shape, n)) for n, (name, shape) in enumerate(order(case))}
    weights = {}
    for decision in searched.decisions.values():
        found = shared_row(decision.parameters)
        if found is not None:
            weights[decision.parameters] = rows[found[0]][found[1]]
    decoded = decode(searched, weights)
    expected: dict[str, Any] = {}
    for cell in CELLS:
        expected |= cell_values(cell, case["genotype_of_arch_rule"][cell])
    assert {path: value for path, value in decoded.values.items() if path not in decoded.implied} == expected


def order(case: dict[str, Any]) -> list[tuple[str, list[int]]]:
    """The tensors in the order by which the rule numbers them."""
    shapes = dict(case["arch"])
    return [(name, shapes[name]) for name in case["arch_parameters()_order"]]


@pytest.mark.parametrize("key", LATTICES)
def test_lattice_rows_that_matter(key: str) -> None:
    case = LATTICES[key]
    used: dict[str, set[int]] = {"down": set(), "up": set(), "normal": set()}
    network = set()
    for decision in opened_lattice(case).decisions.values():
        found = shared_row(decision.parameters)
        if found is not None:
            used[found[0]].add(found[1])
        elif decision.kind == "edges" and decision.path.startswith("f[") and len(decision.candidates) > 1:
            network.add(tuple(map(int, decision.path[2:-1].split(", "))))
    for name, rows in used.items():
        assert sorted(set(range(14)) - rows) == case["rows_with_zero_grad"][f"alphas_{name}"], name
    assert network == {tuple(row) for row in case["alphas_network_used[layer,row]"]}


STAGED = [case for case in reference("wdan_discretize")["cases"] if "kept_after_stage0" in case]


def rows_of(case: dict[str, Any], stage: str, searched: SearchSpace) -> dict[str, Any]:
    tables = {side: softmax(case[stage][f"alphas_{side}"]) for side in ("normal", "down", "up")}
    found = {d.parameters: shared_row(d.parameters) for d in searched.decisions.values()}
    return {name: tables[row[0]][row[1]] for name, row in found.items() if row is not None}


def survivors(kept: dict[str, Any], searched: SearchSpace) -> dict[tuple[str, int], list[str]]:
    """By the original's tensor and row."""
    found = {}
    for path, labels in kept.items():
        row = shared_row(searched.decisions[path].parameters)
        if row is not None:
            found[row] = [label for label in searched.decisions[path].candidates if label in labels]
    return found


@pytest.mark.parametrize("case", STAGED, ids=lambda case: str(case["case"]))
def test_operators_that_survive(case: dict[str, Any]) -> None:
    """Of each row, the likeliest 4 of 7, 4 of 6 and 2 of 4; after the second stage the one that the original logs."""
    searched = space("mixsearch", "wdan", (3, 64, 64))
    weights = rows_of(case, "stage0", searched)
    kept = narrowed(searched.decisions, searched.decisions, weights, {"normal": 4, "down": 4, "up": 2}, {})
    for (side, row), labels in survivors(kept, searched).items():
        assert labels == case["kept_after_stage0"][side][row], (side, row)
    second = searched.restricted(kept)
    weights = rows_of(case, "stage1", second)
    last = narrowed(second.decisions, second.decisions, weights, {"down": 1, "up": 1}, kept)
    for (side, row), labels in survivors(last, second).items():
        if side != "normal":
            assert labels == [case["kept_after_stage1"][side][row]], (side, row)
