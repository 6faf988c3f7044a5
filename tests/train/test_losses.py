"""Losses against the numbers that NAS-Unet, NAS-WDAN and DiNTS computed, and against each other."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from nascompile.diagnostics import NasError
from nascompile.source import Source, Span
from nascompile.train.losses import LOSSES, make_loss


def golden(root: Path, name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((root / "tests" / "golden" / name).read_text(encoding="utf-8"))
    return value


def hashed(shape: tuple[int, ...]) -> torch.Tensor:
    """The reference's input rule `hash`: 2 * (((31 i^2 + 17 i + 7) mod 1009) / 1009 - 0.5)."""
    i = torch.arange(math.prod(shape), dtype=torch.int64)
    values: torch.Tensor = 2 * (((31 * i * i + 17 * i + 7) % 1009).double() / 1009 - 0.5)
    return values.reshape(shape)


def labels(shape: tuple[int, ...], classes: int) -> torch.Tensor:
    i = torch.arange(math.prod(shape), dtype=torch.int64)
    return (((i * i + 3 * i) // 7) % classes).reshape(shape)


def nasunet_cases() -> list[str]:
    root = Path(__file__).resolve().parents[2]
    return [
        key
        for key in golden(root, "nasunet_losses_metrics.json")["losses"]
        if "aux (" not in key and "_aux|" not in key
    ]


@pytest.mark.parametrize("key", nasunet_cases())
def test_nasunet_losses(root: Path, key: str) -> None:
    name, *fields = key.split("|")
    field = dict(f.split("=", 1) for f in fields)
    shape = tuple(int(n) for n in field["shape"].split("x"))
    classes = shape[1]
    logits, target = 3 * hashed(shape), labels((shape[0], 1, *shape[2:]), classes)
    weight = None if field["weight"] == "None" else [(k + 1) / classes for k in range(classes)]
    soft = {"squared": True, "smooth": 1.0, "weight": weight}
    options: dict[str, Any] = {
        "dice_loss": soft,
        "cross_entropy": {"weight": weight, "ignore_index": int(field["ignore"])},
        "cross_entropy_with_dice": soft
        | {"ignore_index": int(field["ignore"]), "dice_weight": float(field["aux_weight"].replace("None", "0"))},
    }[name]
    ours = {"dice_loss": "dice", "cross_entropy": "ce", "cross_entropy_with_dice": "dice_ce"}[name]
    expected = golden(root, "nasunet_losses_metrics.json")["losses"][key]
    assert make_loss(ours, options)(logits, target).item() == pytest.approx(expected, abs=1e-6)


def test_nasunet_auxiliary_head(root: Path) -> None:
    """Its auxiliary loss is a weighted sum of two plain losses."""
    stored = golden(root, "nasunet_losses_metrics.json")["losses"]
    loss = make_loss("ce", {"ignore_index": -1})
    for classes, shape in ((2, (2, 2, 6, 5)), (4, (2, 4, 6, 5)), (12, (1, 12, 8, 8))):
        logits, target = 3 * hashed(shape), labels((shape[0], *shape[2:]), classes)
        key = next(k for k in stored if k.startswith("cross_entropy_aux") and "x".join(map(str, shape)) in k)
        total = loss(logits, target) + 0.4 * loss(-logits, target)
        assert total.item() == pytest.approx(stored[key], abs=1e-6)


@pytest.mark.parametrize(("key", "shape"), [("2x30", (2, 30)), ("3x64", (3, 64))])
def test_wdan_bce_dice(root: Path, key: str, shape: tuple[int, int]) -> None:
    stored = golden(root, "wdan_losses_metrics_mixup.json")["losses"]
    logits, target = 3 * hashed(shape)[:, None], labels(shape, 2)[:, None]
    assert make_loss("bce")(logits, target).item() == pytest.approx(stored[f"BCEWithLogits {key}"], abs=1e-6)
    assert make_loss("dice_bce")(logits, target).item() == pytest.approx(stored[f"BCEDiceLoss(.5,1) {key}"], abs=1e-6)


def test_wdan_weighted_cross_entropy(root: Path) -> None:
    stored = golden(root, "wdan_losses_metrics_mixup.json")["losses"]
    logits, target = (3 * hashed((2, 3, 6, 5))).float(), labels((2, 6, 5), 3)
    value = make_loss("ce", {"weight": [1.0, 1.0, 0.1]})(logits, target).item()
    assert value == pytest.approx(stored["CrossEntropy2d(weight=[1,1,.1],ignore_label=None) float32"], abs=1e-6)


@pytest.mark.parametrize("number", range(4))
def test_dints_losses(root: Path, number: int) -> None:
    case = golden(root, "dints_seglosses.json")["cases"][number]
    shape = tuple(case["logit_shape"])
    logits = 2 * torch.sin(0.7 * torch.arange(math.prod(shape), dtype=torch.float64)).reshape(shape)
    i = torch.arange(math.prod(shape) // shape[1])
    target = ((i * 7 // 3) % case["C"]).reshape(shape[0], 1, *shape[2:])
    both = {"squared": True, "batch": True}
    value = make_loss("dice_ce", both)(logits, target).item()
    assert value == pytest.approx(case["DiceCE_train(tutorial)"], abs=1e-6)
    assert make_loss("dice_focal", both)(logits, target).item() == pytest.approx(case["DiceFocal(auto3dseg)"], abs=1e-6)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_gradient_descent_lowers_every_loss(name: str, channels: int) -> None:
    logits = hashed((2, channels, 6, 5)).requires_grad_()
    target = labels((2, 1, 6, 5), max(channels, 2))
    loss = make_loss(name)
    before = loss(logits, target)
    assert before.dim() == 0
    before.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert loss(logits - 0.5 * logits.grad, target).item() < before.item()


@pytest.mark.parametrize("name", ["ce", "bce"])
def test_classification_targets(name: str) -> None:
    right = torch.tensor([[9.0, -9.0], [-9.0, 9.0]])
    assert make_loss(name)(right, torch.tensor([0, 1])).item() < 1e-3
    assert make_loss(name)(right, torch.tensor([1, 0])).item() > 5


def test_misspelt_loss_points_at_its_name() -> None:
    source = Source("a.nas", "loss = dice_cee(main)")
    with pytest.raises(NasError) as caught:
        make_loss("dice_cee", {}, Span(source, 7, 15))
    problem = caught.value.diagnostics[0]
    assert (problem.code, problem.hint) == ("unknown-loss", "did you mean `dice_ce`?")
    assert problem.primary is not None and problem.primary.span.text == "dice_cee"


def test_misspelt_option_and_wrong_value() -> None:
    with pytest.raises(NasError, match=r"unknown-option.*`smoth`.*did you mean `smooth`"):
        make_loss("dice", {"smoth": 1.0})
    with pytest.raises(NasError, match=r"bad-option.*`squared`"):
        make_loss("dice", {"squared": 2.0})


@pytest.mark.parametrize("name", ["ce", "dice_ce"])
def test_a_batch_that_is_all_ignored_teaches_nothing(name: str) -> None:
    """NAS-Unet ignores the background: patches without an object give no loss, not NaN."""
    logits = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    empty = torch.zeros(2, 1, 4, 4, dtype=torch.long)
    loss = make_loss(name, {"ignore_index": 0})(logits, empty)
    assert math.isfinite(loss.item())
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert bool(torch.isfinite(logits.grad).all())
    if name == "ce":
        assert (loss.item(), logits.grad.abs().max().item()) == (0.0, 0.0)


@pytest.mark.parametrize(("name", "weight"), [("ce", (1, 2)), ("dice", (1, 2, 3, 4)), ("dice", (1, 0, 0))])
def test_weights_are_of_the_classes(name: str, weight: tuple[float, ...]) -> None:
    with pytest.raises(NasError) as failure:
        make_loss(name, {"weight": weight})(torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4))
    assert failure.value.diagnostics[0].code == "bad-option"
