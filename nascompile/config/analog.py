"""`stage analog { ... }`: how a found and trained network is brought onto analog tiles, and how it is measured there.

What the stage leaves out of a training is as in `stage train`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nascompile.analog.device import find_device
from nascompile.analog.moments import shipped_device, unknown_time
from nascompile.analog.quantities import in_own_unit, kind_of_unit
from nascompile.config import readers
from nascompile.config.deployed import is_file
from nascompile.config.fields import Fields, Reader, read_fields
from nascompile.diagnostics import Diagnostic, Label, error
from nascompile.semantics.modules import Library
from nascompile.source import Span
from nascompile.syntax import nodes as ast
from nascompile.train.budget import Budget

if TYPE_CHECKING:
    from nascompile.config.search import Training

NAME = "analog"
BUDGET = Budget(20)

TIMES: Mapping[str, float] = {"1 s": 1.0, "1 hour": 3600.0, "1 day": 86400.0, "1 month": 2592000.0}
"""When a network is measured after its programming, unless a text or the device says otherwise: labels and seconds."""

PROGRAMMINGS = 10


@dataclass(frozen=True, slots=True)
class AnalogStage:
    """Hardware-aware training for a device, and its evaluation over time.

    `noise` and `clip_sigma` replace the device's own (`analog.device.HardwareAware`) where `overrides` names them.
    `times` are labels with seconds after programming; None leaves them to the device.
    """

    device: str
    training: Training
    noise: float | None = None
    clip_sigma: float | None = None
    remap: bool | None = None
    overrides: frozenset[str] = frozenset()
    times: tuple[tuple[str, float], ...] | None = None
    programmings: int = PROGRAMMINGS
    span: Span | None = field(default=None, compare=False, repr=False)


def read_moment(expr: ast.Expr, library: Library) -> tuple[str, float]:
    """`1 hour` with its seconds."""
    hint = "write `1 s`, `1 hour`, `1 day` or `1 month`"
    text = " ".join(expr.span.text.split())
    if readers.is_negative(expr):
        raise error("bad-value", f"`{text}` is before the programming: a time is positive", expr.span, hint=hint)
    if not isinstance(expr, ast.Quantity):
        raise error("missing-unit", f"`{text}` has no unit", expr.span, hint=hint)
    if kind_of_unit(expr.unit) != "time":
        raise error("wrong-unit", f"`{text}` is no time", expr.span, hint=hint)
    return text, in_own_unit(str(expr.value), expr.unit, "time")


def _device(expr: ast.Expr, library: Library) -> str:
    """The name of a device that ships, or a path to a file, which is looked for when the stage begins."""
    name = str(readers.word()(expr, library))
    if not name.endswith((".yaml", ".yml")):
        find_device(name, None, expr.span)
    return name


def _clip_sigma(expr: ast.Expr, library: Library) -> float | None:
    if isinstance(expr, ast.Name) and expr.id == "none":
        return None
    return float(readers.real(0.1, 100)(expr, library))


OWN_READERS: dict[str, Reader] = {
    "device": _device,
    "noise": readers.real(0, 10),
    "clip_sigma": _clip_sigma,
    "remap": readers.boolean,
    "times": readers.listed(read_moment),
    "programmings": readers.integer(2),
}
"""Fields of `stage analog` beside those of a training."""


def read_analog(stage: ast.Stage, known: Mapping[str, Reader], library: Library) -> tuple[Fields, list[Diagnostic]]:
    """The fields of the stage and its mistakes; `known` are those of a training."""
    found = read_fields("stage `analog`", stage.body, {**known, **OWN_READERS}, library)
    problems = [
        *found.problems,
        *(Diagnostic("not-a-field", "a stage holds `field = value` lines only", Label(s.span)) for s in found.others),
    ]
    times = [seconds for _, seconds in found.get("times", ())]
    if len(times) != len(set(times)):
        message = "a time is given twice"
        problems.append(Diagnostic("bad-value", message, Label(found.spans["times"]), hint="leave it out once"))
    device = str(found.get("device", "pcm"))
    if not is_file(device):
        span = found.spans.get("times")
        moments: tuple[tuple[str, float], ...] = found.get("times", ())
        unknown = (unknown_time(shipped_device(device), label, seconds, span) for label, seconds in moments)
        problems += [problem for problem in unknown if problem is not None]
    return found, problems


def analog_stage(fields: Fields, train: Training, span: Span | None = None) -> AnalogStage:
    """The stage of its fields; `train` is how the digital network is trained."""
    training = replace(
        train,
        optimiser=fields.get("weights", train.optimiser),
        budget=fields.get("budget", BUDGET),
        loss=fields.get("loss", train.loss),
        batch=fields.get("batch", train.batch),
        clip=fields.get("clip", train.clip),
        precision=fields.get("precision", train.precision),
        validate=fields.get("validate", train.validate),
        mix=fields.get("mix", train.mix),
        seed=fields.get("seed", train.seed),
    )
    own = {name: fields.values[name] for name in ("noise", "clip_sigma", "remap") if name in fields.values}
    return AnalogStage(
        fields.get("device", "pcm"), training, **own, overrides=frozenset(own), times=fields.get("times", None),
        programmings=fields.get("programmings", PROGRAMMINGS), span=fields.spans.get("device", span),
    )  # fmt: skip
