"""DiNTS: blocks, fixed networks, supernets, terms of the architecture loss and bilevel steps equal MONAI's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from originals import dints_edges, dints_values, library, program, reference, registered
from torch import Tensor
from torch_rules import TOLERANCE, image, set_weights

from nascompile.backends.layout import state_name
from nascompile.backends.pytorch import Network, build
from nascompile.backends.supernet import Supernet, build_supernet
from nascompile.config.constants import argument_value
from nascompile.diagnostics import NasError
from nascompile.ir.program import LayerNode, Program
from nascompile.passes.flatten import flatten
from nascompile.profile.cost import cost_of
from nascompile.resources import resource
from nascompile.search.oneshot.expectation import Expectation, expectation
from nascompile.search.oneshot.penalty import read_penalty
from nascompile.search.oneshot.terms import consistency, entropy, ramp
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.source import Source
from nascompile.syntax.parser import parse_expression
from nascompile.train.losses import make_loss
from nascompile.train.optimisers import make_optimiser

BLOCKS = reference("dints_blocks")["blocks"]
RAM = reference("dints_blocks")["ram_cost"]
FORWARD = reference("dints_forward")
LOSSES = [(c, r) for c in reference("dints_losses")["configs"].values() for r in c["records"]]
RUNS = reference("dints_bilevel")["runs"]
SHAPES = reference("dints_shapes")


def matches(found: Tensor, expected: Mapping[str, Any]) -> None:
    """Assert that a tensor is the recorded one."""
    assert list(found.shape) == expected["shape"]
    margin = TOLERANCE * max(abs(expected["min"]), abs(expected["max"]))
    numbers = {
        "mean": found.mean(),
        "std": found.std(),
        "min": found.min(),
        "max": found.max(),
        "abs_mean": found.abs().mean(),
    }
    for name, value in numbers.items():
        assert abs(value.item() - expected[name]) <= margin, name
    first = torch.tensor(expected["first8"], dtype=torch.double)
    last = torch.tensor(expected["last4"], dtype=torch.double)
    assert (found.flatten()[: len(first)] - first).abs().max().item() <= margin
    assert (found.flatten()[-len(last) :] - last).abs().max().item() <= margin


def arguments(case: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the shipped space for a recorded configuration."""
    found = {"blocks": case["num_blocks"], "depths": case["num_depths"], "mul": case["channel_mul"]}
    if "num_classes" in case:
        found["classes"] = case["num_classes"]
    return found | {"downsample": case.get("use_downsample", True)}


def set_alphas(net: Supernet, blocks: int, edges: Sequence[tuple[int, int]], a: Any, c: Any) -> None:
    """Write the original's `log_alpha_a` [blocks, edges] and `log_alpha_c` [blocks, edges, operators] into ours."""
    with torch.no_grad():
        for b in range(blocks):
            for number, (i, o) in enumerate(edges):
                place = slice(*net.architecture.places[f"edge[{b}, {i}, {o}]"])
                net.architecture.logits[place] = torch.as_tensor(c[b][number], dtype=torch.double)
            place = slice(*net.architecture.places[f"kept[{b}]"])
            net.architecture.logits[place] = torch.as_tensor(a[b], dtype=torch.double)


def get_alphas(net: Supernet, blocks: int, edges: Sequence[tuple[int, int]], values: Tensor) -> tuple[Tensor, Tensor]:
    """The other way: a vector that lies like our logits in the original's two layouts."""
    places = net.architecture.places
    a = torch.stack([values[slice(*places[f"kept[{b}]"])] for b in range(blocks)])
    rows = [[values[slice(*places[f"edge[{b}, {i}, {o}]"])] for i, o in edges] for b in range(blocks)]
    return a, torch.stack([torch.stack(row) for row in rows])


def drawn(seed: int, kind: str, blocks: int, edges: int, operators: int) -> tuple[Any, Any]:
    """The recorded rule for architecture parameters."""
    (mean_a, std_a), (mean_c, std_c) = {
        "init": ((0, 0.01), (1, 0.01)),
        "wide": ((0, 2), (1, 1)),
        "extreme": ((0, 6), (0, 4)),
    }[kind]
    rng = np.random.RandomState(seed)
    a = rng.normal(mean_a, std_a, (blocks, edges))
    return np.round(a, 6), np.round(rng.normal(mean_c, std_c, (blocks, edges, operators)), 6)


# --- blocks ---

NORMS = {None: "instance_norm(affine = true)", "BATCH": "batch_norm"}
ACTS = {None: "relu", "PRELU": "prelu"}
MODES = {0: "[3, 3, 1], [1, 1, 3]", 1: "[3, 1, 3], [1, 3, 1]", 2: "[1, 3, 3], [3, 1, 1]"}


def block_text(block: Mapping[str, Any]) -> str:
    """The shipped operators that a recorded block is, on `x`."""
    kind, given = block["kind"], block["args"]
    norm, act = given.get("norm_name"), given.get("act_name")
    norm = NORMS[None if isinstance(norm, list) else norm]
    act = f"leaky_relu({act[1]['negative_slope']})" if isinstance(act, list) else ACTS[act]
    c = given.get("out_channel")
    if kind == "ActiConvNormBlock":
        return f"x -> acn({c}, {given['kernel_size']}, {act}, {norm})"
    if kind == "P3DActiConvNormBlock":
        return f"x -> pseudo3d({c}, {MODES[given['mode']]}, {act}, {norm})"
    if kind == "FactorizedIncreaseBlock":
        return f"x -> increase({c}, {act}, {norm})"
    if kind == "FactorizedReduceBlock":
        return f"x -> reduce({c}, {act}, {norm})"
    return cell_text(given)


def cell_text(given: Mapping[str, Any]) -> str:
    """A cell; at rate 0 the grid never changes channels, which is a convolution of size 1 in the original."""
    c, rate = given["c"], given["rate"]
    change = (
        f"holding(acn({c}, 1), 1, 2)"
        if rate == 0 and given["c_prev"] != c
        else f"change({c}, {-rate}, relu, {NORMS[None]})"
    )
    return f"y = x -> {change} -> pick one of set1({c}, relu, {NORMS[None]})\n  y"


def alone(
    body: str, shape: Sequence[int], *, is_fixed: bool, candidates: dict[str, tuple[str, ...]] | None = None
) -> Program:
    """A space of one block of the shipped text."""
    text = f"nas 1\nimport std.layers\nimport dints\nspace alone(x: image) {{\n  {body}\n}}\n"
    found = load(Source("alone.nas", text), resource("specs"))
    return elaborate(found, Request("alone", {}, tuple(shape), is_fixed=is_fixed, candidates=candidates or {}))


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_blocks(number: int) -> None:
    block = BLOCKS[number]
    is_cell = block["kind"].startswith("Cell")
    opened = alone(block_text(block), block["in_shape"][1:], is_fixed=not is_cell)
    scale = 1.0
    if is_cell:
        given = block["args"]
        labels = opened.decisions["y"].candidates
        if "arch_code_c" in given:
            labels = tuple(label for label, kept in zip(labels, given["arch_code_c"], strict=True) if kept)
            opened = alone(block_text(block), block["in_shape"][1:], is_fixed=False, candidates={"y": labels})
        weights = torch.tensor(given.get("w", [1.0] * len(labels)), dtype=torch.double)
        scale = weights.sum().item()
        net: Any = build_supernet(opened).double().eval()
        with torch.no_grad():
            net.architecture.logits.copy_((weights / scale).log())
        fill(net)
    else:
        net = build(opened).double().eval()
        set_weights(net, "sin")
    assert cost_of(opened).registered == block["params"]
    with torch.no_grad():
        matches(scale * net(image(block["in_shape"], "sin")), block["out"])


def fill(net: Supernet, phase: Mapping[str, float] | None = None) -> None:
    """The rule `sin` for a supernet, shifted by a phase for each weight."""
    values = {}
    for name, view in net.named_weights().items():
        values[name] = filled(name, view, (phase or {}).get(name, 0.0))
    assert net.load_named_weights(values) == []


def filled(name: str, view: Tensor, phase: float) -> Tensor:
    layer, _, last = name.rpartition(".")
    if last == "bias" or "_norm" in layer.rpartition(".")[2]:
        return torch.full_like(view, float(last == "weight"), dtype=torch.double)
    return (0.02 * torch.sin(torch.arange(1, view.numel() + 1).double() + phase)).view(view.shape)


@pytest.mark.parametrize("key", RAM)
def test_memory_of_blocks(key: str) -> None:
    """`ram` of what changes resolution and of every operator, in units of the cell's output."""
    rank, before, after, rate = map(int, re.match(r"(\d)d c_prev=(\d+) c=(\d+) rate=(-?\d)", key).groups())  # type: ignore[union-attr]
    opened = alone(cell_text({"c": after, "c_prev": before, "rate": rate}), (before, *[8] * rank), is_fixed=False)
    volume = after * {-1: 4, 0: 8, 1: 16}[rate] ** rank
    found = {
        n.path: n.measures["ram"] / volume
        for n in flatten(opened.graph).nodes
        if isinstance(n, LayerNode) and n.measures
    }
    labels = opened.decisions["y"].candidates
    operators = [sum(v for path, v in found.items() if path.startswith(f"y.{label}.")) for label in labels]
    assert operators == pytest.approx(RAM[key]["ops"])
    assert sum(found.values()) - sum(operators) == pytest.approx(RAM[key]["preprocess"])


# --- networks ---


@lru_cache(maxsize=1)
def network(number: int) -> tuple[Program, Network]:
    case = FORWARD["fixed"][number]
    code = reference("dints_published") if case["arch_rule"].startswith("published") else case
    values = dints_values(case["num_depths"], code["arch_code_a"], code["arch_code_c"])
    bound = elaborate(library("dints"), Request("dints", arguments(case), tuple(case["in_shape"][1:]), values, True))
    return bound, build(bound).double().eval()


def group(name: str, edges: Sequence[tuple[int, int]]) -> tuple[Any, ...]:
    """Where MONAI has the module of one of our weights: cells, then stems, then the head."""
    for place, pattern in enumerate((r"edge_(\d+)_(\d+)_(\d+)\.", r"(?:s_|node_0_)(\d+)\.", r"up_(\d+)\."), 1):
        found = re.match(pattern, name)
        if found:
            numbers = tuple(map(int, found.groups()))
            if place == 1:
                return (1, numbers[0], edges.index(numbers[1:]))
            return (2, numbers[0]) if place == 2 else (3, -numbers[0])  # ours count up-stems from the deepest
    return (4,)


@pytest.mark.parametrize("rule", ["out", "out_rule_B"])
@pytest.mark.parametrize("number", range(len(FORWARD["fixed"])))
def test_fixed_networks(number: int, rule: str) -> None:
    case = FORWARD["fixed"][number]
    bound, net = network(number)
    assert cost_of(bound).registered == case["params"]
    edges = dints_edges(case["num_depths"])
    names = [f"{n.path}.{w.name}" for n in registered(bound.graph) for w in n.weights]
    ordered = sorted((state_name(n) for n in names), key=lambda n: group(n, edges))
    if "param_order" in case:
        assert len(ordered) == len(case["param_order"])
    phases = {name: 0.37 * k if rule == "out_rule_B" else 0.0 for k, name in enumerate(ordered)}
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.copy_(filled(name, parameter, phases[name]))
        matches(net(image(case["in_shape"], "sin")), case[rule])


@pytest.mark.parametrize("rule", ["out_alpha_by_rule", "out_alpha_seed7_wide"])
@pytest.mark.parametrize("number", range(len(FORWARD["search"])))
def test_supernets(number: int, rule: str) -> None:
    case = FORWARD["search"][number]
    blocks, edges = case["num_blocks"], dints_edges(case["num_depths"])
    opened = program("dints", "dints", tuple(case["in_shape"][1:]), **arguments(case))
    net = build_supernet(opened).double().eval()
    fill(net)
    operators = 5 if case["spatial_dims"] == 3 else 2
    assert cost_of(opened).registered + net.architecture.logits.numel() == case["params"]
    if rule == "out_alpha_by_rule":
        a = filled("a.x", torch.zeros(blocks, len(edges)), 0.0)
        c = filled("c.x", torch.zeros(blocks, len(edges), operators), 0.0)
    else:
        a, c = drawn(7, "wide", blocks, len(edges), operators)
    set_alphas(net, blocks, edges, a, c)
    found = net(image(case["in_shape"], "sin"))
    matches(found.detach(), case[rule])
    if rule == "out_alpha_by_rule":
        return
    (found.pow(2).mean() / 2).backward()
    gradient = net.architecture.logits.grad
    assert gradient is not None
    grad_a, grad_c = get_alphas(net, blocks, edges, gradient)
    expected = torch.tensor(case["grad_alpha_a_seed7"], dtype=torch.double)
    assert (grad_a - expected).abs().max().item() <= TOLERANCE * expected.abs().max().item()
    assert grad_c.norm().item() == pytest.approx(case["grad_alpha_c_norm_seed7"], rel=TOLERANCE)
    assert grad_c[0, 0].tolist() == pytest.approx(case["grad_alpha_c_block0_path0"], rel=1e-5)


# --- terms of the architecture loss ---


def terms(case: Mapping[str, Any], shape: Sequence[int]) -> tuple[Program, Supernet, Expectation, Expectation]:
    opened = program("dints", "dints", tuple(shape[1:]), **arguments(case))
    net = build_supernet(opened).double()
    expected = expectation(opened, net.architecture, "ram")
    return opened, net, expected, expectation(opened, net.architecture, "ram", certain=["kept"])


@lru_cache(maxsize=1)
def prepared(number: int) -> tuple[Program, Supernet, Expectation, Expectation]:
    case = list(reference("dints_losses")["configs"].values())[number]
    return terms(case, case["in_size"])


@pytest.mark.parametrize(("case", "record"), LOSSES, ids=lambda v: str(v.get("seed", v.get("in_size"))))
def test_terms(case: dict[str, Any], record: dict[str, Any]) -> None:
    opened, net, expected, full = prepared(list(reference("dints_losses")["configs"].values()).index(case))
    blocks, edges, arch = case["num_blocks"], dints_edges(case["num_depths"]), net.architecture
    set_alphas(net, blocks, edges, record["log_alpha_a"], record["log_alpha_c"])
    entropy_a, entropy_c = entropy(arch, "kept"), entropy(arch, "edge")
    topology = consistency(arch, opened.constraints, "kept")
    ratio = expected(arch) / full(arch)
    # MONAI counts MiB of float32, and volumes behind stems of stride 2 twice.
    mebibytes = 4 / 1024**2 * case["in_size"][0] * (2 if case["use_downsample"] and case["spatial_dims"] == 3 else 1)
    found = {
        "entropy_a_f64": entropy_a,
        "entropy_c_f64": entropy_c,
        "topology_f64": topology,
        "ram_usage_f64": expected(arch) * mebibytes,
        "ram_full_f64": full(arch) * mebibytes,
        "total_amp_w1_f0.8_f64": entropy_a + entropy_c + (0.8 - ratio).abs() + 0.001 * topology,
        "total_amp_w0.25_f0.2_f64": 0.25 * (entropy_a + entropy_c + (0.2 - ratio).abs() + 0.001 * topology),
        "total_noamp_w0.25_f0.2_f64": 0.25 * (entropy_a + entropy_c) + (0.2 - ratio).abs() + 0.001 * topology,
    }
    for name, value in found.items():
        assert value.item() == pytest.approx(record[name], rel=TOLERANCE), name
    for sigma, value in record["ram_loss_f64"].items():
        assert (float(sigma) - ratio).abs().item() == pytest.approx(value, rel=1e-5, abs=1e-9)
    (gradient,) = torch.autograd.grad(found["total_amp_w1_f0.8_f64"], arch.logits)
    grad_a, grad_c = get_alphas(net, blocks, edges, gradient)
    assert grad_a.norm().item() == pytest.approx(record["grad_a_norm"], rel=TOLERANCE)
    assert grad_c.norm().item() == pytest.approx(record["grad_c_norm"], rel=TOLERANCE)
    assert grad_a[0].tolist() == pytest.approx(record["grad_a_block0"], rel=1e-5, abs=TOLERANCE * record["grad_a_norm"])
    first = record["grad_c_block0_path0"]
    assert grad_c[0, 0].tolist() == pytest.approx(first, rel=1e-5, abs=TOLERANCE * record["grad_c_norm"])
    weights = arch()
    kept = [weights[arch.slots["kept[0]", f"edge[0, {i}, {o}]"]].item() for i, o in edges]
    assert kept == pytest.approx(record["prob_path_block0"], rel=1e-6)


@pytest.mark.parametrize("number", range(len(RUNS)))
def test_bilevel(number: int) -> None:
    """Three steps: weights, then architecture parameters with the memory term of the weights' batch."""
    run = RUNS[number]
    shape, edges, blocks = run["in_shape"], dints_edges(run["num_depths"]), run["num_blocks"]
    opened, net, expected, full = terms(run, shape)
    net.eval()
    fill(net)
    set_alphas(net, blocks, edges, *drawn(7, "wide", blocks, len(edges), 5 if run["spatial_dims"] == 3 else 2))
    arch, share, sigma = net.architecture, run["combination_weight"], run["ram_cost_factor"]
    weights = make_optimiser("sgd", net.weight_parameters(), {"lr": 0.025, "momentum": 0.9, "weight_decay": 4e-5})
    alphas = make_optimiser("adam", net.architecture_parameters(), {"lr": 1e-3, "betas": (0.5, 0.999)})
    index = torch.arange(torch.Size(shape).numel())
    first, second = image(shape, "sin"), torch.cos(0.02 * index.double()).view(*shape)
    classes = run["num_classes"]
    labels = (index * 7 // 3 % classes).view(*shape), (index * 5 // 2 % classes).view(*shape)
    term = make_loss("dice_ce", {"squared": True, "batch": True})

    def loss(logits: Tensor, label: Tensor) -> Tensor:
        """With two classes the original swaps them, so that its Dice term scores the background."""
        return term(logits.flip(1), 1 - label) if classes == 2 else term(logits, label)

    for record in run["steps"]:
        net.zero_grad()
        found = loss(net(first), labels[0])
        assert found.item() == pytest.approx(record["loss_w"], rel=TOLERANCE)
        found.backward()
        weights.step()
        net.zero_grad()
        segmentation = loss(net(second), labels[1])
        ratio = expected(arch) / full(arch)
        topology = consistency(arch, opened.constraints, "kept")
        undecided = entropy(arch, "kept") + entropy(arch, "edge")
        rest = (sigma - ratio).abs() + 0.001 * topology
        total = segmentation + (share * (undecided + rest) if run["variant"] == "amp" else share * undecided + rest)
        assert segmentation.item() == pytest.approx(record["loss_seg_arch"], rel=TOLERANCE)
        assert total.item() == pytest.approx(record["loss_arch_total"], rel=TOLERANCE)
        assert ratio.item() == pytest.approx(record["ram_ratio"], rel=TOLERANCE)
        assert topology.item() == pytest.approx(record["topology"], rel=TOLERANCE)
        total.backward()
        alphas.step()
    a, c = get_alphas(net, blocks, edges, arch.logits.detach())
    assert (a - torch.tensor(run["log_alpha_a_after3"], dtype=torch.double)).abs().max().item() < TOLERANCE
    assert (c[0] - torch.tensor(run["log_alpha_c_after3_block0"], dtype=torch.double)).abs().max().item() < TOLERANCE
    last = net.named_weights()["conv.weight"].flatten()[:8].tolist()
    assert last == pytest.approx(run["stem_finals_last_weight_after3_first8"], abs=TOLERANCE)


PUBLISHED = (
    "ramp(entropy(kept) + entropy(edge) + abs(0.8 - expected(ram) / expected(ram, all = kept))"
    " + 0.001 * consistency(kept))"
)


@pytest.mark.parametrize(
    "record", [r for c, r in LOSSES if c["in_size"] == [1, 1, 16, 16, 16]], ids=lambda r: r["seed"]
)
def test_penalty_as_text(record: dict[str, Any]) -> None:
    """The published penalty as a search writes it gives the recorded total, grown to the end and at its start."""
    opened, net, _, _ = prepared(0)
    set_alphas(net, 3, dints_edges(3), record["log_alpha_a"], record["log_alpha_c"])
    penalty = read_penalty(parse_expression(Source("penalty", PUBLISHED)), opened, net.architecture)
    assert penalty(1.0).item() == pytest.approx(record["total_amp_w1_f0.8_f64"], rel=TOLERANCE)
    assert penalty(0.0).item() == 0


@pytest.mark.parametrize(
    ("text", "code", "span"),
    [
        ("entropy(kepd)", "unknown-decision", "kepd"),
        ("2 * entrpy(kept)", "unknown-term", "entrpy"),
        ("expected(rom)", "unknown-measure", "rom"),
        ("consistency(edge)", "not-connected", "edge"),
        ("abs(2 - 3)", "not-a-term", "abs(2 - 3)"),
        ("entropy(kept, edge)", "not-a-term", "entropy(kept, edge)"),
        ("entropy(kept) + kept", "not-a-term", "kept"),
    ],
)
def test_mistakes_in_a_penalty(text: str, code: str, span: str) -> None:
    opened, net, _, _ = prepared(0)
    with pytest.raises(NasError) as failure:
        read_penalty(parse_expression(Source("penalty", text)), opened, net.architecture)
    (found,) = failure.value.diagnostics
    assert (found.code, found.primary.span.text) == (code, span)


def test_expected_costs_of_a_cell() -> None:
    """In another space: the expectation is the mean over genotypes drawn by the probabilities, and its macs' too."""
    opened = program("nasbench201", "nasbench201", (3, 8, 8), cells=1, c=4)
    net = build_supernet(opened).double()
    with torch.no_grad():
        net.architecture.logits.copy_(torch.randn(net.architecture.logits.shape, generator=torch.manual_seed(1)))
    mean = 0.0
    decisions = list(opened.decisions.values())
    weights = net.architecture.relaxed()
    rng = np.random.default_rng(0)
    for _ in range(400):
        values = {d.path: str(rng.choice(d.candidates, p=weights[d.parameters])) for d in decisions}
        bound = elaborate(library("nasbench201"), Request("nasbench201", {"cells": 1, "c": 4}, (3, 8, 8), values, True))
        mean += cost_of(bound).macs / 400
    found = expectation(opened, net.architecture, "macs")(net.architecture).item()
    assert found == pytest.approx(mean, rel=0.05)


def test_ramp() -> None:
    assert [ramp(done, 0.5) for done in (0, 0.5, 0.75, 1)] == [0, 0, 0.5, 1]


# --- sizes ---


@pytest.mark.parametrize("case", SHAPES["search_outputs"], ids=lambda c: f"{c['dims']}d-{c['in'][2:]}-{c['depths']}")
def test_output_shapes(case: dict[str, Any]) -> None:
    given = {"num_blocks": case["blocks"], "num_depths": case["depths"], "num_classes": case["out"][1]} | case
    opened = program("dints", "dints", tuple(case["in"][1:]), **arguments(given))
    with torch.no_grad():
        assert list(build_supernet(opened).eval()(torch.zeros(*case["in"])).shape) == case["out"]


@pytest.mark.parametrize("number", range(len(SHAPES["input_legality"])))
def test_legal_sizes(number: int) -> None:
    """Sides at which the original fails are refused when the text is checked; the others keep their size."""
    case = SHAPES["input_legality"][number]
    sides = case["side"] if isinstance(case["side"], list) else [case["side"]] * case["dims"]
    given = {"blocks": 3, "depths": case["depths"], "mul": 0.25, "downsample": case["use_downsample"], "classes": 2}
    if case.get("norm") == "BATCH eval":
        norm = next(p for p in library("dints").spaces["dints"].parameters if p.name == "norm")
        given["norm"] = argument_value(parse_expression(Source("norm", "batch_norm")), norm, library("dints"))
    if isinstance(case["result"], str):
        with pytest.raises(NasError):
            program("dints", "dints", (1, *sides), **given)
    else:
        opened = program("dints", "dints", (1, *sides), **given)
        assert [1, *opened.graph.types[opened.graph.outputs[0][1]].axes] == case["result"]
