"""A surrogate: trees, the nets that it was fitted to, how good it is, how sure it is, and where it knows nothing."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, NasError
from nascompile.ir.text import program_text
from nascompile.search.surrogate.agreement import Agreement
from nascompile.search.surrogate.columns import Encoder
from nascompile.search.surrogate.trees import Member, predicted
from nascompile.source import Span
from nascompile.space.space import SearchSpace

NEIGHBOURS = 3
LEVEL = 0.9
"""The share of held-out nets whose measured value lies within the interval."""

_MARGIN = 0.02  # of the range that the fitted nets span: what counts as within


@dataclass(frozen=True, slots=True)
class Domain:
    """The space that a surrogate is of: its name, a digest of decisions and layers, and the names of its columns."""

    space: str
    digest: str
    columns: tuple[str, ...]

    @staticmethod
    def of(space: SearchSpace) -> Domain:
        """The domain of a space; equal for equal decisions and layers, however its arguments are written."""
        meaning = program_text(space.program).partition("\n")[2]
        return Domain(space.name, hashlib.sha256(meaning.encode()).hexdigest(), Encoder.of(space).names)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Every net once predicted by a model of the same making that had not seen it; `folds` groups were left out."""

    folds: int
    agreement: Agreement
    predictions: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """A prediction. `half` is half the width of the interval that holds 90% of held-out nets.

    `novelty` is the mean distance to the three nearest fitted nets, 1 where 95% of those are nearer to their like;
    `outside` the share of columns beyond the range that fitted nets span.
    """

    value: float
    half: float
    novelty: float
    outside: float

    @property
    def is_known(self) -> bool:
        """Whether the genotype is of the region that the surrogate was fitted in."""
        return self.novelty <= 1.0 and self.outside == 0.0


@dataclass(frozen=True)
class Surrogate:
    """See the module. `rows` are the fitted nets' columns, `values` what was measured of each.

    The interval's half width is `factor` times (the members' standard deviation plus `floor`). `limit` is the distance
    that `novelty` counts in. `about` holds what people want to know: task, runs, versions.
    """

    target: str
    domain: Domain
    rows: tuple[tuple[float, ...], ...]
    values: tuple[float, ...]
    members: tuple[Member, ...]
    held_out: HeldOut
    floor: float
    factor: float
    limit: float
    about: Mapping[str, Any] = field(default_factory=dict)

    def forecast(self, row: Sequence[float]) -> Forecast:
        """What the surrogate says of a genotype's row (`columns.Encoder`)."""
        value, deviation = mean_and_deviation(self.members, row)
        ranges = self.ranges()
        outside = sum(not _within(v, low, high) for v, (low, high) in zip(row, ranges, strict=True))
        novelty = distance(row, self.rows, ranges) / self.limit
        return Forecast(value, self.factor * (deviation + self.floor), novelty, outside / len(row))

    def ranges(self) -> tuple[tuple[float, float], ...]:
        """The smallest and largest value of each column among the fitted nets."""
        return ranges_of(self.rows)

    def fit_for(self, space: SearchSpace, span: Span | None = None) -> list[Diagnostic]:
        """What speaks against using this surrogate in a space: nothing, or `surrogate-of-another-space`.

        A warning where the columns are the same and layers, arguments or sizes are not, so that numbers mean something
        else; an error where there are other columns.
        """
        other = Domain.of(space)
        if other.digest == self.domain.digest and other.columns == self.domain.columns:
            return []
        label = None if span is None else Label(span)
        code, was = "surrogate-of-another-space", f"the surrogate is of `{self.domain.space}`"
        if other.columns == self.domain.columns:
            message = f"{was} with other layers or sizes than this `{space.name}`: its predictions are a guess"
            hint = "fit one to trials of this search: `nascompile surrogate fit`"
            return [Diagnostic(code, message, label, hint=hint, severity="warning")]
        lacking = [c for c in self.domain.columns if c not in other.columns]
        more = [c for c in other.columns if c not in self.domain.columns]
        what = (
            f"it has no `{lacking[0]}`" if lacking else f"it also decides `{more[0]}`" if more else "in another order"
        )
        message = f"{was}, and this `{space.name}` is another space: {what}"
        return [Diagnostic(code, message, label, hint="fit one to trials of this space: `nascompile surrogate fit`")]

    def require(self, space: SearchSpace, span: Span | None = None) -> None:
        """Raise NasError where `fit_for` gives an error."""
        errors = [d for d in self.fit_for(space, span) if d.severity == "error"]
        if errors:
            raise NasError(errors)


def mean_and_deviation(members: Sequence[Member], row: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation of what the members say."""
    said = [predicted(member, row) for member in members]
    mean = sum(said) / len(said)
    return mean, math.sqrt(sum((s - mean) ** 2 for s in said) / len(said))


def ranges_of(rows: Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    """The smallest and largest value of each column."""
    return tuple((min(column), max(column)) for column in zip(*rows, strict=True))


def distance(row: Sequence[float], rows: Sequence[Sequence[float]], ranges: Sequence[tuple[float, float]]) -> float:
    """The mean distance to the `NEIGHBOURS` nearest rows: mean over columns of differences as shares of their ranges.

    Gower, Biometrics 27, 1971. A column whose range is a point counts differences as they are.
    """
    scales = [high - low or 1.0 for low, high in ranges]
    apart = sorted(
        sum(abs(a - b) / scale for a, b, scale in zip(row, other, scales, strict=True)) / len(row) for other in rows
    )
    nearest = apart[:NEIGHBOURS]
    return sum(nearest) / len(nearest)


def _within(value: float, low: float, high: float) -> bool:
    margin = _MARGIN * (high - low)
    return low - margin <= value <= high + margin
