"""AnalogNAS and NAS-SegNet: the networks of recorded configurations, their widths and the segmentation loss."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from originals import library, program, reference, space
from residual_rules import image, matches, set_weights
from torch_rules import TOLERANCE

from nascompile.backends.pytorch import build
from nascompile.ir.program import Program
from nascompile.profile.cost import cost_of
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.space.space import SearchSpace
from nascompile.train.losses import make_loss

ARCHS = [e for e in reference("analognas_archs")["entries"] if "quad_he" in e]
SEGNET = reference("analognas_segnet")
NETWORKS = [("analog_nas", entry) for entry in ARCHS] + [("nas_segnet", entry) for entry in SEGNET["networks"]]
RULES = ("sin0.02", "quad_he", "quad_he_in48x40")


def values_of(config: dict[str, Any]) -> dict[str, Any]:
    """Our values of the original's dictionary; numbers of groups that are not there, and `convblock`, do nothing."""
    found: dict[str, Any] = {"out_channel0": config["out_channel0"], "m": config["M"]}
    for g in range(config["M"]):
        found[f"wide[{g}]"] = config[f"widenfact{g + 1}"]
        found[f"b[{g}]"] = config[f"B{g + 1}"]
        found[f"r[{g}]"] = config[f"R{g + 1}"]
    return found


def network(space: str, entry: dict[str, Any], input_: tuple[int, ...], **arguments: Any) -> Program:
    given = {"sampled": entry["config"]["M"] < 5, **arguments}
    return elaborate(library(space), Request(space, given, input_, values_of(entry["config"]), True))


@pytest.mark.parametrize(
    ("number", "rule"), [(n, rule) for n, (_, entry) in enumerate(NETWORKS) for rule in RULES if rule in entry]
)
def test_networks(number: int, rule: str) -> None:
    space, entry = NETWORKS[number]
    size = (48, 40) if rule.endswith("48x40") else (32, 32)
    bound = network(space, entry, (3, *size), **({"side": 32} if space == "nas_segnet" else {}))
    assert cost_of(bound).registered == entry["params"]
    net = build(bound).double().eval()
    set_weights(net, "sin0.02" if rule == "sin0.02" else "quad_he")
    with torch.no_grad():
        matches(net(image([entry[rule]["shape"][0], 3, *size])), entry[rule])


@pytest.mark.parametrize("entry", ARCHS, ids=lambda entry: entry["name"])
def test_widths(entry: dict[str, Any]) -> None:
    """Every group is floor(width / factor) wide."""
    values = values_of(entry["config"])
    widths = [values["out_channel0"]]
    for g in range(values["m"]):
        widths.append(math.floor(widths[-1] / values[f"wide[{g}]"]))
    assert widths == entry["channels_stem_then_groups"]
    features = network("analog_nas", entry, (3, 32, 32)).graph.types
    assert (entry["fc_in"],) in [t.axes for t in features]


@pytest.mark.parametrize("size", [(32, 32), (48, 40)])
@pytest.mark.parametrize("learned", [False, True])
def test_segmentation_at_the_size_of_the_input(size: tuple[int, int], learned: bool) -> None:
    """Without the original's fixed side, and with its decoder as it was meant."""
    bound = network("nas_segnet", SEGNET["networks"][2], (3, *size), learned=learned)
    with torch.no_grad():
        assert build(bound).eval()(torch.zeros(1, 3, *size)).shape == (1, 1, *size)


# The original's features by its own order of hyper-parameters. `convblock`, which does nothing, is no decision of ours.
FEATURES = [
    "out_channel0", "m", "r[0]", "r[1]", "r[2]", "r[3]", "r[4]",
    None, "wide[0]", "b[0]", None, "wide[1]", "b[1]", None, "wide[2]", "b[2]", None, "wide[3]", "b[3]",
    None, "wide[4]", "b[4]",
]  # fmt: skip


@pytest.mark.parametrize("entry", reference("analognas_archs")["entries"], ids=lambda entry: entry["name"])
def test_features(entry: dict[str, Any]) -> None:
    """The original's vector is a selection of our columns: numbers as they are, 0 for groups that are not there."""
    searched = space("analog_nas", "analog_nas", (3, 32, 32), sampled=False)
    vector = searched.encode(searched.genotype(values_of(entry["config"])))
    ours = {column.name: value for column, value in zip(searched.columns, vector, strict=True)}
    assert {column.name for column in searched.columns if column.kind == "number"} == {f for f in FEATURES if f}
    assert len(entry["features"]) == len(FEATURES)
    for name, theirs in zip(FEATURES, entry["features"], strict=True):
        assert name is None or ours[name] == theirs


def test_size() -> None:
    assert SearchSpace(program("analog_nas", "analog_nas", (3, 32, 32))).size() == 95_869_800


@pytest.mark.parametrize("case", SEGNET["BCEDiceLoss_iou"]["cases"], ids=lambda case: str(case["shape"]))
def test_segmentation_loss(case: dict[str, Any]) -> None:
    """0.5 BCE + Dice with its gradient; the target is soft where the original's masks are."""
    i = torch.arange(torch.Size(case["shape"]).numel()).double()
    logits = (2 * torch.sin(i * i)).view(*case["shape"]).requires_grad_()
    target = (torch.sin(0.3 * i) > 0.2).double().view(*case["shape"])
    loss = make_loss("dice_bce")(logits, target)
    assert loss.item() == pytest.approx(case["loss"], rel=TOLERANCE)
    assert make_loss("bce")(logits, target).item() == pytest.approx(case["bce"], rel=TOLERANCE)
    loss.backward()
    assert logits.grad is not None
    assert logits.grad.flatten()[:8].tolist() == pytest.approx(case["grad_first8"], rel=TOLERANCE, abs=1e-9)
    assert logits.grad.abs().sum().item() == pytest.approx(case["grad_abs_sum"], rel=TOLERANCE)
