"""DiNTS' grid: its edges, which blocks may follow which, decoded paths and costs, and the published network."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from originals import dints_edges, dints_values, library, program, reference, registered, softmax, space
from test_decode import DINTS, operator_logits

from nascompile.config.constants import argument_value
from nascompile.ir.program import LayerNode, Program
from nascompile.passes.flatten import flatten
from nascompile.profile.cost import cost_of
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.source import Source
from nascompile.space.decode import decode
from nascompile.space.space import SearchSpace
from nascompile.syntax.parser import parse_expression

TABLES = reference("dints_connectivity")
DEPTHS = [int(depths) for depths in TABLES["depths"]]
PUBLISHED = reference("dints_published")


@lru_cache
def grid(depths: int, blocks: int) -> SearchSpace:
    return space("dints", "dints", (1, *[2 ** (depths + 1)] * 2), blocks=blocks, depths=depths, mul=0.25)


def ends(label: str) -> tuple[int, int]:
    """(from, to) of `edge[b, i, o]`."""
    _, i, o = map(int, label[5:-1].split(", "))
    return i, o


def number(bits: Sequence[int]) -> int:
    """The original's number of a non-empty pattern, the first bit highest."""
    return int("".join(map(str, bits)), 2) - 1


@pytest.mark.parametrize("depths", DEPTHS)
def test_edges(depths: int) -> None:
    table = TABLES["depths"][str(depths)]
    edges = [ends(label) for label in grid(depths, 1).decisions["kept[0]"].candidates]
    assert edges == dints_edges(depths)
    assert len(edges) == table["num_paths"]
    assert [i - o for i, o in edges] == table["arch_code2ops"]
    assert 2 ** len(edges) - 1 == table["num_children"]
    if "tidx" in table:
        assert [o * depths + i for i, o in edges] == table["tidx"]


def test_operators() -> None:
    volume = program("dints", "dints", (1, 32, 32, 32), blocks=1).decisions["edge[0, 0, 0]"].candidates
    assert list(volume) == TABLES["ops_3d"]
    plane = grid(2, 1).decisions["edge[0, 0, 0]"].candidates
    assert [label.replace("3x3x3", "3x3") for label in plane] == TABLES["ops_2d"]


def nodes(bits: Sequence[int], depths: int, end: int) -> str:
    """The pattern of nodes at one end of a block's kept edges."""
    seen = {edge[end] for edge, bit in zip(dints_edges(depths), bits, strict=True) if bit}
    return "".join(str(int(d in seen)) for d in range(depths))


def children(depths: int) -> list[tuple[int, ...]]:
    paths = 3 * depths - 2
    return [tuple(map(int, format(k, f"0{paths}b"))) for k in range(1, 2**paths)]


@pytest.mark.parametrize("pattern", [(d, p) for d in (2, 3, 4) for p in TABLES["depths"][str(d)]["transfer_mtx"]])
def test_blocks_that_may_follow(pattern: tuple[int, str]) -> None:
    """Behind a block that ends in a set of nodes, `connected(kept)` holds for exactly the recorded blocks."""
    depths, wanted = pattern
    table = TABLES["depths"][str(depths)]
    listed = children(depths)
    first = next(bits for bits in listed if nodes(bits, depths, 1) == wanted)
    searched = grid(depths, 2)
    labels = [searched.decisions[f"kept[{b}]"].candidates for b in range(2)]

    def kept(b: int, bits: Sequence[int]) -> tuple[str, ...]:
        return tuple(label for label, bit in zip(labels[b], bits, strict=True) if bit)

    known = {"kept[0]": kept(0, first)}
    found = [k for k, bits in enumerate(listed) if not searched.broken({**known, "kept[1]": kept(1, bits)})]
    recorded = table["transfer_mtx"][wanted]
    assert len(found) == recorded["n_feasible_next_children"]
    assert (found[:5], found[-1]) == (recorded["first5"], recorded["last"])
    for end, name in ((1, "node2in_children_by_output_pattern"), (0, "node2out_children_by_input_pattern")):
        same = [k for k, bits in enumerate(listed) if nodes(bits, depths, end) == wanted]
        entry = table[name][wanted]
        assert (len(same), sum(same), same[:5]) == (entry["count"], entry["sum_idx"], entry["first5"])


@pytest.mark.parametrize("depths", [2, 3, 4])
def test_pairs_of_blocks(depths: int) -> None:
    table = TABLES["depths"][str(depths)]
    only_topology = grid(depths, 2).restricted(
        {path: ["skip_connect"] for path in grid(depths, 2).decisions if path.startswith("edge")}
    )
    assert only_topology.size() == table["sub_amtx_edges"]
    assert [list(bits) for bits in children(depths)[:3]] == table["child_first3"]
    assert list(children(depths)[-1]) == table["child_last"]
    assert [format(k, f"0{depths}b") for k in range(1, 2**depths)] == table["node_patterns"]


@pytest.mark.parametrize(
    ("config", "record"),
    DINTS,
    ids=lambda v: f"d{v['num_depths']}b{v['num_blocks']}" if "records" in v else str(v["seed"]),
)
def test_decoded_paths(config: dict[str, Any], record: dict[str, Any]) -> None:
    """The nodes that our genotype uses, the numbers of its blocks, and the length of its path in their graph."""
    blocks, depths, rank = config["num_blocks"], config["num_depths"], config["spatial_dims"]
    searched = space("dints", "dints", (1, *[32] * rank), blocks=blocks, depths=depths)
    keep = 1 / (1 + np.exp(-np.array(record["log_alpha_a"])))
    operators = softmax(operator_logits(record, keep.shape, 5 if rank == 3 else 2))
    weights = {f"kept[{b}]": keep[b] for b in range(blocks)}
    for b in range(blocks):
        for edge, (i, o) in enumerate(dints_edges(depths)):
            weights[f"edge[{b}, {i}, {o}]"] = operators[b, edge]
    values = decode(searched, weights).values
    length = 0.001
    used = []
    for b in range(blocks):
        labels = searched.decisions[f"kept[{b}]"].candidates
        bits = [int(label in values[f"kept[{b}]"]) for label in labels]
        assert number(bits) == record["child_idx"][b]
        chance = np.prod([p if bit else 1 - p for p, bit in zip(keep[b], bits, strict=True)])
        length += 0.001 - math.log(chance / (1 - np.prod(1 - keep[b])) + 1e-5)
        used += [nodes(bits, depths, 0)] if b == 0 else []
        used.append(nodes(bits, depths, 1))
    assert used == record["node_a"]
    assert length == pytest.approx(record["cost"], rel=1e-5)  # single precision there
    assert record["viterbi_same"] and record["viterbi_cost"] == pytest.approx(record["cost"], rel=1e-6)


@pytest.mark.parametrize("name", reference("dints_params")["archs"])
def test_recorded_architectures(name: str) -> None:
    """Every recorded genotype is one of ours, and uses the recorded nodes."""
    arch = reference("dints_params")["archs"][name]
    depths = int(name[1])
    blocks, rank = len(arch["arch_code_a"]), 3 if "_3d_" in name else 2
    searched = space("dints", "dints", (1, *[2 ** (depths + 1)] * rank), blocks=blocks, depths=depths, mul=0.25)
    searched.complete(dints_values(depths, arch["arch_code_a"], arch["arch_code_c"]))
    rows = [tuple(map(int, bits)) for bits in arch["arch_code_a"]]
    assert [number(bits) for bits in rows] == arch["child_idx"]
    assert [nodes(rows[0], depths, 0), *(nodes(bits, depths, 1) for bits in rows)] == arch["node_a"]


# --- the published network ---


def published(net: dict[str, Any], **more: Any) -> Program:
    arguments = {"mul": net["channel_mul"], "classes": net["num_classes"], **more}
    values = dints_values(4, PUBLISHED["arch_code_a"], PUBLISHED["arch_code_c"])
    return elaborate(library("dints"), Request("dints", arguments, tuple(net["in"][1:]), values, True))


@pytest.mark.parametrize("net", PUBLISHED["nets"], ids=lambda n: f"{n['channel_mul']}-{n['in_channels']}")
def test_published_networks(net: dict[str, Any]) -> None:
    """The original also runs the deepest stem, which nothing reads."""
    bound = published(net)
    assert net["in"][1] == net["in_channels"]
    assert [1, *bound.graph.types[bound.graph.outputs[0][1]].axes] == net["out"]
    weights = Counter[bool]()
    for node in registered(bound.graph):
        shapes = [map(int, w.shape) for w in node.weights if not w.is_buffer]
        weights[node.path.startswith("edge[")] += sum(map(math.prod, shapes))
    assert (weights.total(), weights[True]) == (net["params"], net["params_cells"])
    f = [int(32 * 2**d * net["channel_mul"]) for d in range(5)]
    side = net["in"][2] // 8
    unused = 27 * (net["in_channels"] * f[3] * side**3 + f[3] * f[4] * (side // 2) ** 3)
    assert cost_of(bound).flops + 2 * unused == net["flops_2mac"]


def test_published_genotype() -> None:
    kept, picks = PUBLISHED["arch_code_a"], PUBLISHED["arch_code_c"]
    values = dints_values(4, kept, picks)
    space("dints", "dints", (1, 32, 32, 32), blocks=12, depths=4).complete(values)
    edges = [path for path in values if path.startswith("edge")]
    assert len(edges) == PUBLISHED["active_cells"]
    operators = Counter(values[path] for path in edges)
    (histogram,) = (v for k, v in PUBLISHED.items() if k.startswith("op_hist"))
    assert [operators[label] for label in TABLES["ops_3d"]] == list(histogram.values())
    steps = Counter(i - o for i, o in map(ends, edges))
    (histogram,) = (v for k, v in PUBLISHED.items() if k.startswith("rate_hist"))
    assert [steps[step] for step in (-1, 0, 1)] == list(histogram.values())
    assert [number(list(map(int, bits))) for bits in kept] == PUBLISHED["child_idx"]
    rows = [nodes(kept[0], 4, 0), *(nodes(bits, 4, 1) for bits in kept)]
    assert rows == ["".join(map(str, row)) for row in PUBLISHED["node_a"]]


def test_published_network_without_affine_norms() -> None:
    norm = next(p for p in library("dints").spaces["dints"].parameters if p.name == "norm")
    plain = argument_value(parse_expression(Source("norm", "instance_norm")), norm, library("dints"))
    expected = PUBLISHED["params_norm_affine_false(cm1,in1,cls3)"]
    assert cost_of(published(PUBLISHED["nets"][0], norm=plain)).registered == expected


MEBIBYTES = 2 * 4 / 1024**2
"""Of float32; the original counts volumes behind stems of stride 2 twice."""


@pytest.mark.parametrize("mul", PUBLISHED["ram_usage_MiB_own_formula_batch1_96cube"])
def test_memory_of_the_published_network(mul: str) -> None:
    recorded = PUBLISHED["ram_usage_MiB_own_formula_batch1_96cube"][mul]
    net = {"channel_mul": float(mul), "num_classes": 3, "in": [1, 1, 96, 96, 96]}
    found = [n for n in flatten(published(net).graph).nodes if isinstance(n, LayerNode)]
    discrete = sum(node.measures.get("ram", 0) for node in found) * MEBIBYTES
    assert discrete == pytest.approx(recorded["discrete"])
    assert discrete / recorded["full_uniform_ops"] == pytest.approx(recorded["ratio"])


def test_supernet_of_the_published_search() -> None:
    """Its size, and its expected memory before anything is learnt."""
    import torch

    from nascompile.backends.architecture import Architecture
    from nascompile.search.oneshot.expectation import expectation

    recorded = PUBLISHED["supernet_cm0.5_b12_d4"]
    opened = program("dints", "dints", (1, 96, 96, 96), mul=0.5)
    arch = Architecture(opened.decisions, 0).double()
    assert cost_of(opened).registered + arch.logits.numel() == recorded["params"]
    assert sum(not w.is_buffer for n in registered(opened.graph) for w in n.weights) + 2 == recorded["tensors"]
    assert sum(d.kind == "op" for d in opened.decisions.values()) == recorded["cells"]
    with torch.no_grad():
        arch.logits.zero_()
        used = expectation(opened, arch, "ram")(arch).item() * MEBIBYTES
        full = expectation(opened, arch, "ram", certain=["kept"])(arch).item() * MEBIBYTES
    uniform = PUBLISHED["ram_usage_MiB_own_formula_batch1_96cube"]["0.5"]["full_uniform_ops"]
    assert full == pytest.approx(recorded["ram_full_MiB(in 1x1x96^3, alpha_c uniform)"]) == pytest.approx(uniform)
    assert used / full == pytest.approx(recorded["ram_usage_at_init(alpha_a=0, alpha_c uniform)/full"], rel=1e-6)
