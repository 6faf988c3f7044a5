"""Numbers of the originals that no other file compares: tables, costs, losses, metrics and inference."""

from __future__ import annotations

import itertools
import json
import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from originals import program, reference
from test_analog import SEGNET, network, values_of
from test_dints import alone, cell_text
from test_nas_lung import ENTRIES, SEARCH, X, configs_of, configured, head, order, score, trial
from test_nas_lung import values_of as lung_values
from torch_rules import TOLERANCE

from nascompile.data.mixing import Mixture, mix_images
from nascompile.ir.program import LayerNode, Program
from nascompile.passes.flatten import flatten
from nascompile.profile.cost import cost_of
from nascompile.search.partial_order import rival
from nascompile.train.losses import angular, make_loss
from nascompile.train.metrics import METRICS, score_map
from nascompile.train.predict import predict


def weights_of(net: Program) -> list[tuple[str, int]]:
    """(layer, numbers) of every weight."""
    nodes = [n for n in flatten(net.graph).nodes if isinstance(n, LayerNode)]
    return [(n.layer, math.prod(map(int, w.shape))) for n in nodes for w in n.weights if not w.is_buffer]


def layer_count(net: Program, layer: str) -> int:
    return sum(isinstance(n, LayerNode) and n.layer == layer for n in flatten(net.graph).nodes)


MODULES = {"BatchNorm2d": "batch_norm", "Conv2d": "conv", "Linear": "linear"}

# --- AnalogNAS, NAS-SegNet ---

ARCHS = reference("analognas_archs")


def test_searched_ranges() -> None:
    """Candidates are the recorded ranges, of numbers that exist; their product is the size that the code counts."""
    decisions = program("analog_nas", "analog_nas", (3, 32, 32)).decisions
    total = 1
    for row in ARCHS["config_space"]["hyperparameters_in_order"]:
        total *= row["size"]
        name, group = row["name"].rstrip("012345"), int(row["name"][-1]) - 1 if row["name"][-1] in "12345" else 0
        if name == "convblock" or group == 4:  # does nothing; is never drawn
            continue
        path = {"out_channel": "out_channel0", "M": "m", "R": f"r[{group}]", "B": f"b[{group}]"}.get(name)
        found = decisions[path or f"wide[{group}]"]
        if name == "widenfact":
            assert found.interval == (row["min"], row["max_exclusive"])
        else:
            assert list(found.candidates) == (row["range"] or list(range(row["min"], row["max_exclusive"])))
    assert total == ARCHS["config_space"]["compute_cs_size"]


@pytest.mark.parametrize("entry", ARCHS["entries"], ids=lambda entry: entry["name"])
def test_parts(entry: dict[str, Any]) -> None:
    net = network("analog_nas", entry, (3, 32, 32))
    weights = weights_of(net)
    assert sum(n for layer, n in weights if layer != "linear") == entry["params_without_fc"]
    assert len(weights) == entry["n_unique_param_tensors"]
    assert max(n for layer, n in weights if layer == "linear") == entry["fc_in"] * 10
    assert entry["feature_maps_out"] == entry["channels_stem_then_groups"][-1]
    assert (entry["feature_maps_out"], 21, 21) in [t.axes for t in flatten(net.graph).types]
    for module, layer in MODULES.items():
        assert layer_count(net, layer) == entry["leaf_modules"][module], module
    assert list(map(float, entry["config"].values())) == entry["features"]


@pytest.mark.parametrize("entry", SEGNET["networks"], ids=lambda entry: entry["name"])
def test_segmentation_parts(entry: dict[str, Any]) -> None:
    net = network("nas_segnet", entry, (3, 32, 32), side=32)
    for module, layer in {**MODULES, "Upsample": "interpolate"}.items():
        assert layer_count(net, layer) == entry["leaf_modules"].get(module, 0), module
    # Its state also has the three buffers of every norm.
    assert len(weights_of(net)) + 3 * layer_count(net, "batch_norm") == entry["n_unique_state_tensors"]


@pytest.mark.parametrize("case", SEGNET["BCEDiceLoss_iou"]["cases"], ids=lambda case: str(case["shape"]))
def test_intersection_over_union(case: dict[str, Any]) -> None:
    """That of the whole batch, our metric's of one map that has all of it."""
    i = torch.arange(math.prod(case["shape"])).double()
    found, truth = (torch.sin(i * i) > 0).long(), (torch.sin(0.3 * i) > 0.2).long()
    assert score_map(METRICS["jaccard"], found[None], truth[None], 2, (1.0, 1.0))[0] == pytest.approx(
        case["iou"], abs=2e-6
    )


SEARCHES = reference("analognas_search")


@pytest.mark.parametrize("run", SEARCHES["runs"], ids=lambda run: str(run["seed"]))
def test_configurations_of_searches(run: dict[str, Any]) -> None:
    """What the recorded searches return is in our space; which one they return hangs on files of trained surrogates."""
    from nascompile.space.space import SearchSpace

    searched = SearchSpace(program("analog_nas", "analog_nas", (3, 32, 32)))
    config = run["returned_config"]
    genotype = searched.complete(values_of(config))
    assert searched.contains(genotype) == []
    assert cost_of(network("analog_nas", run | {"config": config}, (3, 32, 32))).registered > 0
    assert len(run["history"]) == run["nb_iter"]
    assert run["history"] == sorted(run["history"]) and run["history"][-1] == pytest.approx(run["best_f"])


# --- NAS-Lung ---


@pytest.mark.parametrize("number", range(len(ENTRIES)))
def test_layers_of_classifiers(number: int) -> None:
    """Layers with weights; the head of two outputs is one. Megabytes of four-byte numbers, which the authors print."""
    entry = ENTRIES[number]
    net = configured(entry)
    modules = {"BatchNorm3d": "batch_norm", "Conv3d": "conv", "AngleLinear": "angular_linear"}
    for module, layer in modules.items():
        assert layer_count(net, layer) == entry["leaf_modules"].get(module, 0), module
    distinct = {n.path for n in flatten(net.graph).nodes if isinstance(n, LayerNode) and n.layer == "linear"}
    assert len(distinct) == entry["leaf_modules"].get("Linear", 0)
    paths = {
        (n.path, w.name)
        for n in flatten(net.graph).nodes
        if isinstance(n, LayerNode)
        for w in n.weights
        if not w.is_buffer
    }
    assert len(paths) == entry["n_tensors"]
    assert cost_of(net).registered * 4e-6 == pytest.approx(entry["params_MB_fp32"], abs=1e-4)


PRUNINGS = SEARCH["pruning_traces"]["traces"]


@pytest.mark.parametrize("trace", PRUNINGS, ids=lambda trace: str(trace["seed"]))
def test_ends_of_prunings(trace: dict[str, Any]) -> None:
    assert trace["iterations_trained"] == len(trace["trained_in_order"])
    for row in [*trace["trained_in_order"], *trace["final_excellent"]]:
        assert row["acc"] == pytest.approx(score(row["config"]))


def test_rivals_have_the_recorded_scores() -> None:
    table = SEARCH["get_yw_and_excellent"]
    trials = [trial(row) for row in table["table"]]
    for each, row in zip(trials, table["yw"], strict=True):
        found = rival(trials, each)
        assert (found is None) == (not row["yw"])
        if found is not None:
            assert (found.score, found.cost) == (row["yw"]["acc"], row["yw"]["lat"])


@pytest.mark.parametrize("number", range(len(SEARCH["get_narrower_module"]["cases"])))
def test_lists_of_narrower_networks(number: int) -> None:
    case = SEARCH["get_narrower_module"]["cases"][number]
    known = order(tuple(case["channel_range"]))
    found = sorted(configs_of(known.narrower(known.space.genotype(lung_values(case["config"])))))
    assert (found[:5], found[-3:]) == (case["first5"], case["last3"])
    assert case.get("all", found) == found
    assert (case["config"] in found) is case["contains_itself"]


SHALLOWER = [c for c in SEARCH["get_shallower_module"]["cases"] if sum(map(len, c["config"])) > c["min_len"]]


@pytest.mark.parametrize("number", range(len(SHALLOWER)))
def test_lists_of_shallower_networks(number: int) -> None:
    case = SHALLOWER[number]
    known = order((4, 8, 16, 32, 64, 128), case["min_len"])
    found = configs_of(known.shallower(known.space.genotype(lung_values(case["config"]))))
    assert (found[:5], found[-3:]) == (case["first5"], case["last3"])
    assert case.get("all", found) == found
    assert min(sum(map(len, config)) for config in found) == case["min_depth_in_result"]


@pytest.mark.parametrize("pair", SEARCH["partial_order_pairs"]["pairs"], ids=json.dumps)
def test_comparable(pair: dict[str, Any]) -> None:
    known = order((4, 8, 16, 32, 64, 128))
    a, b = lung_values(pair["a"]), lung_values(pair["b"])
    ways = (known.is_narrower, known.is_shallower)
    assert any(way(a, b) or way(b, a) for way in ways) is pair["comparable"]


def test_cross_entropy_of_the_cosine() -> None:
    cosine, psi = head(2, 4)(X)
    expected = reference("naslung_losses")["AngleLoss"]["cross_entropy_of_cos_scaled"]
    target = torch.tensor([0, 1, 1, 0])
    assert make_loss("ce")(cosine, target).item() == pytest.approx(expected)
    assert angular(cosine, psi, target, share=0.0).item() == pytest.approx(expected)


# --- DiNTS ---

TABLES = reference("dints_losses")["configs"]


@pytest.mark.parametrize("name", TABLES)
def test_memory_of_edges(name: str) -> None:
    """Of every edge of a block with every operator, in units of its output."""
    case = TABLES[name]
    rank, depths = case["spatial_dims"], case["num_depths"]
    widths = [int(32 * 2**d * case["channel_mul"]) for d in range(depths + 1)]
    assert widths == case["filter_nums"]
    channels = widths[int(case["use_downsample"]) :]
    edges = [(i, o) for o in range(depths) for i in range(depths) if abs(i - o) <= 1]
    for (i, o), recorded in zip(edges, case["ram_cost_table_block0[path][op]"], strict=True):
        body = cell_text({"c": channels[o], "c_prev": channels[i], "rate": i - o})
        opened = alone(body, (channels[i], *[8] * rank), is_fixed=False)
        volume = channels[o] * {-1: 4, 0: 8, 1: 16}[i - o] ** rank
        nodes = [n for n in flatten(opened.graph).nodes if isinstance(n, LayerNode)]
        found = {n.path: n.measures["ram"] / volume for n in nodes if n.measures}
        labels_ = opened.decisions["y"].candidates
        inside = [sum(ram for path, ram in found.items() if path.startswith(f"y.{label}.")) for label in labels_]
        outside = sum(found.values()) - sum(inside)
        assert [outside + own for own in inside] == pytest.approx(recorded), (i, o)


WINDOWS = reference("dints_seglosses")["sliding_window"]


class Waves(torch.nn.Module):
    """The recorded predictor: two maps of every window, which counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = torch.cos(0.05 * torch.arange(512).double()).view(1, 1, 8, 8, 8)
        self.windows = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.windows += len(x)
        return torch.cat([x * self.weights, x - self.weights], 1)


@pytest.mark.parametrize("case", [w for w in WINDOWS if w["mode"] == "gaussian"], ids=lambda w: str(w["overlap"]))
def test_windows(case: dict[str, Any]) -> None:
    image = torch.sin(0.01 * torch.arange(math.prod(case["image"])).double()).view(1, 1, *case["image"])
    task: Any = SimpleNamespace(kind="segmentation", sampling="random", patch=tuple(case["roi"]))
    waves = Waves()
    found = predict(waves, image, task, overlap=case["overlap"]).double()
    assert waves.windows == case["n_windows"]
    recorded = case["out"]
    assert list(found.shape) == recorded["shape"]
    assert found.mean().item() == pytest.approx(recorded["mean"], abs=TOLERANCE)
    assert found.std().item() == pytest.approx(recorded["std"], abs=TOLERANCE)
    assert found.abs().mean().item() == pytest.approx(recorded["abs_mean"], abs=TOLERANCE)
    assert [found.min().item(), found.max().item()] == pytest.approx([recorded["min"], recorded["max"]], abs=2e-6)
    assert found.flatten()[:8].tolist() == pytest.approx(recorded["first8"], abs=2e-6)
    assert found.flatten()[-4:].tolist() == pytest.approx(recorded["last4"], abs=2e-6)


def test_flipped_loss() -> None:
    """The first of two classes as foreground."""
    case = reference("dints_seglosses")["cases"][0]
    shape = tuple(case["logit_shape"])
    logits = 2 * torch.sin(0.7 * torch.arange(math.prod(shape), dtype=torch.float64)).reshape(shape)
    i = torch.arange(math.prod(shape) // 2)
    target = ((i * 7 // 3) % 2).reshape(shape[0], 1, *shape[2:])
    (expected,) = (value for key, value in case.items() if "flip" in key)
    found = make_loss("dice_ce", {"squared": True, "batch": True})(logits.flip(1), 1 - target)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_a_class_that_is_absent_has_no_dice() -> None:
    truth = torch.zeros(4, 4, 4, dtype=torch.long)
    assert reference("dints_seglosses")["compute_dice_empty_gt"] == ["nan", "nan"]
    assert all(math.isnan(v) for v in score_map(METRICS["dice"], truth, truth, 3, (1.0, 1.0, 1.0)))


# --- NAS-Unet and MixSearch: losses and metrics ---


def hashed(shape: tuple[int, ...]) -> torch.Tensor:
    i = torch.arange(math.prod(shape), dtype=torch.int64)
    return (6 * (((31 * i * i + 17 * i + 7) % 1009).double() / 1009 - 0.5)).reshape(shape)


def labels(shape: tuple[int, ...], classes: int) -> torch.Tensor:
    i = torch.arange(math.prod(shape), dtype=torch.int64)
    return (((i * i + 3 * i) // 7) % classes).reshape(shape)


MEASURED = reference("nasunet_losses_metrics")["metrics"]


@pytest.mark.parametrize("key", MEASURED)
def test_counts_of_metrics(key: str) -> None:
    """Our metrics of the whole batch as one map; the original's histograms lack the last class."""
    shape = tuple(map(int, key.split("x")))
    classes = shape[1]
    found = hashed(shape).argmax(1).flatten()[None]
    truth = labels((shape[0], *shape[2:]), classes).flatten()[None]
    recorded = MEASURED[key]
    jaccard = score_map(METRICS["jaccard"], found, truth, classes, (1.0, 1.0))
    for k, (both, either) in enumerate(zip(recorded["inter"], recorded["union"], strict=True)):
        if k:
            assert jaccard[k - 1] == pytest.approx(both / either), k
    first = score_map(METRICS["jaccard"], (found == 0).long(), (truth == 0).long(), 2, (1.0, 1.0))[0]
    sums = [recorded["inter"], recorded["union"]]
    assert first == pytest.approx(sums[0][0] / sums[1][0])
    assert recorded["mIoU"] == pytest.approx(sum(a / b for a, b in zip(*sums, strict=True)) / len(sums[0]))
    hits = (found == truth).sum().item()
    assert recorded["pix"] == [hits, found.numel()]
    recalls = score_map(METRICS["sensitivity"], found, truth, classes, (1.0, 1.0))
    background = score_map(METRICS["sensitivity"], (found == 0).long(), (truth == 0).long(), 2, (1.0, 1.0))
    _, mean_recall, mean_jaccard, _ = recorded["label_accuracy_score(acc,acc_cls,mean_iu,fwavacc)"]
    assert (sum(recalls) + background[0]) / classes == pytest.approx(mean_recall, abs=1e-6)
    assert (sum(jaccard) + first) / classes == pytest.approx(mean_jaccard, abs=1e-6)


def test_distances_between_surfaces() -> None:
    recorded = reference("nasunet_losses_metrics")["volume_metrics_promise12"]
    z, y, x = torch.meshgrid(torch.arange(8.0), torch.arange(16.0), torch.arange(16.0), indexing="ij")
    a = ((z - 4) ** 2 / 9 + (y - 8) ** 2 / 25 + (x - 8) ** 2 / 25 <= 1).long()
    b = ((z - 4) ** 2 / 9 + (y - 9) ** 2 / 25 + (x - 7) ** 2 / 16 <= 1).long()
    assert [int(a.sum()), int(b.sum())] == recorded["sum"]
    dice = score_map(METRICS["dice"], b, a, 2, tuple(recorded["spacing"]))[0]
    smoothed = (dice * sum(recorded["sum"]) + 1) / (sum(recorded["sum"]) + 1)
    assert smoothed == pytest.approx(recorded["volumetric_dice(smooth=1)"], abs=1e-6)


LOSSES = reference("wdan_losses_metrics_mixup")["losses"]


def test_deep_supervision() -> None:
    """The first head counts twice in the search's loss."""
    (name,) = (key for key in LOSSES if key.startswith("deep supervision, search"))
    each = LOSSES[name]["each"]
    assert sum(each) + each[0] == pytest.approx(LOSSES[name]["coded"])
    assert make_loss("bce")(hashed((2, 30))[:, None], labels((2, 30), 2)[:, None]).item() == pytest.approx(each[2])
    (other,) = (key for key in LOSSES if key.startswith("deep supervision, retrain_chao"))
    assert sum(each) * 2 / 3 == pytest.approx(LOSSES[other])


def test_dice_with_cross_entropy() -> None:
    (name,) = (key for key in LOSSES if key.startswith("MultiClassEntropyDiceLoss"))
    total, entropy, dice = LOSSES[name]
    logits, target = hashed((2, 3, 6, 5)), labels((2, 6, 5), 3)
    assert make_loss("ce", {"weight": [1.0, 1.0, 0.1]})(logits, target).item() == pytest.approx(entropy, rel=TOLERANCE)
    assert total == pytest.approx(entropy + 10 * dice)
    assert LOSSES["WeightDiceLoss float32"] == dice


MIXED = [e for e in reference("wdan_losses_metrics_mixup")["mixup"] if e["k"] > 2]


@pytest.mark.parametrize("entry", MIXED, ids=lambda e: f"{e['k']}ways-{e['alpha']}-{e['seed']}")
def test_mixtures_of_more_images(entry: dict[str, Any]) -> None:
    """Exactly one choice of orders, which the reference does not state, gives the recorded batch."""
    images = hashed((4, 4)) / 3
    (weights,) = (value for key, value in entry.items() if key.startswith("lam"))
    expected = torch.tensor(entry["mixed"], dtype=torch.double).view(4, 4)
    own = tuple(range(4))
    chosen = []
    for row in range(4):  # row by row: 4 ** (k - 1) sources instead of 24 ** (k - 1) orders
        found = []
        for sources in itertools.product(range(4), repeat=entry["k"] - 1):
            orders = (own, *((*own[:row], source, *own[row + 1 :]) for source in sources))
            mixed = mix_images(images, Mixture(tuple(weights), orders))
            if (mixed[row] - expected[row]).abs().max() < 1e-9:
                found.append(sources)
        assert len(found) == 1, row
        chosen.append(found[0])
    assert all(sorted(order) == list(own) for order in zip(*chosen, strict=True))
