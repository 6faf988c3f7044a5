"""Losses by name, composed from MONAI and torch. Each is a function (logits, target) -> scalar tensor.

Segmentation: logits (n, k, *space), target (n, 1, *space) or (n, *space) with class indices. Classification: logits
(n, k), target (n,). One channel of logits (k = 1) stands for a binary task through a sigmoid; more through a softmax.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from monai.losses.dice import DiceLoss
from monai.losses.focal_loss import FocalLoss

from nascompile.diagnostics import error
from nascompile.source import Span
from nascompile.train.choices import choose

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
PairLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, int], torch.Tensor]
NO_INDEX = -100
"""An `ignore_index` that no target holds (torch's own default)."""


def make_pair_loss(name: str, options: Mapping[str, Any] | None = None, span: Span | None = None) -> PairLoss:
    """A loss of a pair of tensors, (first, second, target, step) -> scalar; raises as `make_loss` does."""
    return choose("loss", PAIR_LOSSES, name, options or {}, span)


def make_loss(name: str, options: Mapping[str, Any] | None = None, span: Span | None = None) -> Loss:
    """The loss `name` with its options; raises `NasError` (`unknown-loss`, `unknown-option`, `bad-option`)."""
    return choose("loss", LOSSES, name, options or {}, span)


def ce(
    logits: torch.Tensor,
    target: torch.Tensor,
    *,
    weight: Sequence[float] | None = None,
    ignore_index: int = NO_INDEX,
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """Cross entropy, averaged over the pixels that are not `ignore_index` (each counted with its class `weight`).

    0 where every pixel is ignored.

    NAS-Unet searches with `ignore_index = 0`: the background teaches nothing. With one channel of logits this is `bce`.
    """
    if logits.shape[1] == 1:
        return bce(logits, target)
    weights = None if weight is None else logits.new_tensor(_of_classes(weight, logits))
    wanted = _plain(target)
    if ignore_index != NO_INDEX and bool((wanted == ignore_index).all()):
        return logits.sum() * 0.0  # a mean over nothing: there is nothing to learn from
    return F.cross_entropy(logits, wanted, weights, ignore_index=ignore_index, label_smoothing=label_smoothing)


def bce(logits: torch.Tensor, target: torch.Tensor, *, positive_weight: float = 1.0) -> torch.Tensor:
    """Binary cross entropy of one channel; of k > 1 channels, each class against the rest (multi-label)."""
    wanted = _indicator(logits, target)
    positive = None if positive_weight == 1 else logits.new_tensor(positive_weight)
    return F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=positive)


def dice(
    logits: torch.Tensor,
    target: torch.Tensor,
    *,
    squared: bool = False,
    smooth: float = 1e-5,
    background: bool = False,
    batch: bool = False,
    weight: Sequence[float] | None = None,
    sigmoid: bool = False,
) -> torch.Tensor:
    """Soft Dice loss: 1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth), mean over images and classes.

    `squared` squares p and t in the denominator (V-Net, arXiv 1606.04797). `batch` sums over the batch before dividing.
    `weight` is per class, background included; it is scaled to mean 1 over the classes that count. `sigmoid` treats the
    classes one by one. NAS-Unet's is `squared = true, smooth = 1`.
    """
    single = logits.shape[1] == 1
    weights = None
    if weight is not None and not single:
        counted = logits.new_tensor(_of_classes(weight, logits)[0 if background else 1 :])
        if not bool(counted.any()):
            raise error(
                "bad-option",
                "every class that counts in `dice` has the `weight` 0",
                hint="the first is the background's",
            )
        weights = counted / counted.mean()
    term = DiceLoss(
        include_background=background or single,
        sigmoid=sigmoid or single,
        softmax=not (sigmoid or single),
        squared_pred=squared,
        smooth_nr=smooth,
        smooth_dr=smooth,
        batch=batch,
        weight=weights,
    )
    value: torch.Tensor = term(logits, _indicator(logits, target))
    return value


def dice_ce(
    logits: torch.Tensor,
    target: torch.Tensor,
    *,
    dice_weight: float = 1.0,
    ce_weight: float = 1.0,
    squared: bool = False,
    smooth: float = 1e-5,
    background: bool = False,
    batch: bool = False,
    weight: Sequence[float] | None = None,
    ignore_index: int = NO_INDEX,
) -> torch.Tensor:
    """`ce_weight` * cross entropy + `dice_weight` * Dice; options as in `ce` and `dice`."""
    entropy = ce(logits, target, weight=weight, ignore_index=ignore_index)
    overlap = dice(logits, target, squared=squared, smooth=smooth, background=background, batch=batch, weight=weight)
    return ce_weight * entropy + dice_weight * overlap


def focal(logits: torch.Tensor, target: torch.Tensor, *, gamma: float = 2.0, background: bool = True) -> torch.Tensor:
    """Focal loss (Lin et al., arXiv 1708.02002) of each class against the rest, through a sigmoid as MONAI has it."""
    term = FocalLoss(include_background=background or logits.shape[1] == 1, gamma=gamma)
    value: torch.Tensor = term(logits, _indicator(logits, target))
    return value


def dice_focal(
    logits: torch.Tensor,
    target: torch.Tensor,
    *,
    gamma: float = 2.0,
    dice_weight: float = 1.0,
    focal_weight: float = 1.0,
    squared: bool = False,
    smooth: float = 1e-5,
    background: bool = True,
    batch: bool = False,
) -> torch.Tensor:
    """`focal_weight` * focal + `dice_weight` * Dice (MONAI's DiceFocalLoss with a softmax in its Dice term)."""
    overlap = dice(logits, target, squared=squared, smooth=smooth, background=background, batch=batch)
    return focal_weight * focal(logits, target, gamma=gamma, background=background) + dice_weight * overlap


def dice_bce(
    logits: torch.Tensor,
    target: torch.Tensor,
    *,
    bce_weight: float = 0.5,
    dice_weight: float = 1.0,
    squared: bool = False,
    smooth: float = 1e-5,
) -> torch.Tensor:
    """`bce_weight` * BCE + `dice_weight` * sigmoid Dice per image (NAS-WDAN, arXiv 2102.13280)."""
    overlap = dice(logits, target, squared=squared, smooth=smooth, background=True, sigmoid=True)
    return bce_weight * bce(logits, target) + dice_weight * overlap


def angular(
    cosine: torch.Tensor,
    psi: torch.Tensor,
    target: torch.Tensor,
    step: int = 0,
    *,
    share: float = 1 / 6,
    gamma: float = 0.0,
    annealed: bool = False,
    lowest: float = 5.0,
    highest: float = 1500.0,
    decay: float = 0.1,
) -> torch.Tensor:
    """Cross entropy of the angular head's outputs, `share` of the target's logit from `psi` (SphereFace, CVPR 2017).

    `cosine` and `psi` are |x| cos(t) and |x| psi(t), (n, k); `gamma` > 0 weighs samples by (1 - p)^gamma, p without
    gradient. `annealed`: the share grows with `step`, from 0, as `margin_share` says. The default share is where it
    ends; share 0 is what NAS-Lung's repository computes, whose margin is commented out.
    """
    if annealed:
        share = margin_share(step + 1, lowest, highest, decay)  # the authors count from 1
    chosen = torch.nn.functional.one_hot(target.long(), cosine.shape[1]).to(cosine.dtype)
    log = (cosine + share * chosen * (psi - cosine)).log_softmax(1)
    wanted = (log * chosen).sum(1)
    return -((1 - wanted.detach().exp()) ** gamma * wanted).mean()


def margin_share(step: int, lowest: float = 5.0, highest: float = 1500.0, decay: float = 0.1) -> float:
    """The published share of the margin at a step: 1 / (1 + max(lowest, highest / (1 + decay * step)))."""
    return 1 / (1 + max(lowest, highest / (1 + decay * step)))


PAIR_LOSSES: dict[str, Callable[..., torch.Tensor]] = {"angular": angular}
"""Losses of an output that is a pair (`angular_linear` gives `logits[0]` and `logits[1]`)."""

LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    "bce": bce,
    "ce": ce,
    "dice": dice,
    "dice_bce": dice_bce,
    "dice_ce": dice_ce,
    "dice_focal": dice_focal,
    "focal": focal,
}


def _of_classes(weight: Sequence[float], logits: torch.Tensor) -> list[float]:
    """One weight for each class. Raises NasError (`bad-option`)."""
    if len(weight) != logits.shape[1]:
        message = f"`weight` has {len(weight)} numbers for {logits.shape[1]} classes"
        raise error("bad-option", message, hint="one for each class, the background first")
    return list(weight)


def _plain(target: torch.Tensor) -> torch.Tensor:
    """(n, 1, *space) or (n, *space) to (n, *space)."""
    return (target[:, 0] if target.dim() > 2 and target.shape[1] == 1 else target).long()


def _indicator(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The target in the shape of the logits: 0 or 1 for one channel, one-hot for more."""
    channels = logits.shape[1]
    index = target if target.dim() == logits.dim() else target.unsqueeze(1)
    if channels == 1 or index.shape == logits.shape:
        return index.to(logits.dtype)
    return torch.zeros_like(logits).scatter_(1, index.long(), 1)
