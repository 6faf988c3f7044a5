"""Searches that try one genotype after another: what their text may say beyond that of a relaxed search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nascompile.config import objectives, readers
from nascompile.config.constants import Choice
from nascompile.config.fields import Fields, Reader, read_fields
from nascompile.config.measures import STATIC
from nascompile.config.tables import STRATEGIES, Table
from nascompile.diagnostics import Diagnostic, Label, did_you_mean, error
from nascompile.semantics.modules import Library
from nascompile.syntax import nodes as ast
from nascompile.train.budget import Budget

if TYPE_CHECKING:
    from nascompile.config.search import Training

# The options of `search/strategies/`, with their defaults; a test compares the two.
SAMPLED: Table = {
    "evolution": {
        "population": 20, "sample": 5, "lag": 4, "start": "random", "crossover": 0.0, "moves": "values",
        "survivors": "youngest",
    },
    "nsga2": {"population": 20, "crossover": 0.9, "mutation": 0.6},
    "optuna": {"sampler": "tpe", "startup": 10, "lag": 4, "population": 20},
    "partial_order": {"cost": Choice("macs"), "lag": 1},
    "random": {},
}  # fmt: skip

WORDS: dict[str, tuple[str, ...]] = {
    "moves": ("values", "steps"),
    "sampler": ("tpe", "gp", "random", "nsga2", "nsga3", "qmc"),
    "start": ("random", "latin"),
    "survivors": ("youngest", "best"),
}
"""Options whose value is one of a few words."""

_COUNTS = ("population", "sample", "lag", "startup")
_SHARES = ("crossover", "mutation")


PROGRAMMINGS = 3
"""Of a trial: enough to choose by, and few enough to try many nets."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How genotypes are tried.

    `trial` trains each; `limit` is the time in seconds after which one is given up. `enqueue` are genotypes of the text
    that come first. `threads` is what each trial computes with. `reference` are the objectives' values that the
    hypervolume reaches to. `inherit` is the run whose supernet genotypes are scored with; `trial` then trains its
    weights further, for 0 steps unless the text says more. `programmings` is how often a net is programmed where an
    analog measure is wanted. `fields` is what `stage trial` says.
    """

    trial: Training | None = None
    limit: float | None = None
    enqueue: tuple[str, ...] = ()
    threads: int = 1
    reference: tuple[float, ...] | None = None
    inherit: str | None = None
    programmings: int = PROGRAMMINGS
    fields: Fields = field(default=Fields({}, {}, ()), compare=False, repr=False)


def is_sampled(strategy: Choice) -> bool:
    """Whether a strategy tries genotypes instead of training a supernet."""
    return strategy.name in SAMPLED


def meant_strategy(declaration: ast.SearchDecl, fields: Fields, stages: Iterable[ast.Stage]) -> Choice:
    """What the strategy of a search is, or if it cannot be read, what it was meant to be.

    So a typing mistake in it is the one mistake that is told, and not everything that goes with the strategy.
    """
    if "strategy" in fields.values or "strategy" not in fields.spans:
        found: Choice = fields.get("strategy", Choice("bilevel"))
        return found
    written = next(s.value for s in declaration.body if isinstance(s, ast.Assign) and s.target == ast.Name("strategy"))
    name = written.callee if isinstance(written, ast.Call) else written
    word = name.id if isinstance(name, ast.Name) else ""
    near = did_you_mean(word, [*STRATEGIES, *SAMPLED]) or ""
    budget = fields.get("budget", None)
    tries = any(stage.name == "trial" for stage in stages) or (budget is not None and budget.unit == "trials")
    candidates = [known for known in (*STRATEGIES, *SAMPLED) if known == word or f"`{known}`" in near]
    return Choice(candidates[0] if candidates else next(iter(SAMPLED if tries else STRATEGIES)))


def read_budget(expr: ast.Expr, library: Library) -> Budget:
    """The budget of a search: `40 trials`, or what a training may take."""
    if isinstance(expr, ast.Quantity) and expr.unit == "trial":
        if expr.value < 1 or expr.value != int(expr.value):
            raise error("bad-value", f"`{expr.span.text}` is no number of trials", expr.span, hint="write `40 trials`")
        return Budget(float(expr.value), "trials")
    found: Budget = readers.budget(expr, library)
    return found


def _limit(expr: ast.Expr, library: Library) -> float:
    found: Budget = readers.budget(expr, library)
    if found.unit != "seconds":
        raise error("wrong-unit", f"`{expr.span.text}` is no time", expr.span, hint="write `5 minutes`")
    return found.amount


FIELDS: dict[str, Reader] = {
    "enqueue": readers.listed(readers.word()),
    "threads": readers.integer(1),
    "reference": readers.listed(lambda expr, library: objectives.value_of(expr, {}, library)),
}
"""Fields that only a sampled search has."""


def _trial_budget(expr: ast.Expr, library: Library) -> Budget:
    """A budget of a training, or `0 steps`."""
    if isinstance(expr, ast.Quantity) and expr.unit == "step" and expr.value == 0:
        return UNTRAINED
    found: Budget = readers.budget(expr, library)
    return found


UNTRAINED = Budget(0.0, "steps")
"""What a trial with inherited weights is trained for, unless the text says more."""

TRIAL_FIELDS: dict[str, Reader] = {
    "limit": _limit, "inherit": readers.word(), "budget": _trial_budget, "programmings": readers.integer(1),
}  # fmt: skip
"""Fields of `stage trial` that `stage train` does not have, or not with these values."""


def cost_of_order(expr: ast.Expr, library: Library) -> str:
    """The full name of the measure of `cost = params` or `latency("cpu.yaml")`. Raises NasError (`bad-option`)."""
    name = objectives.name_of(expr)
    if name is not None and (name in STATIC or objectives.table_of(name) is not None):
        return name
    words = " ".join(expr.span.text.split())
    listed = f'there are {", ".join(STATIC)}, and latency tables: `latency("cpu.yaml")`'
    hint = did_you_mean(words, STATIC) or listed
    raise error("bad-option", f"`cost` cannot be `{words}`: it has to be known without a run", expr.span, hint=hint)


def check_strategy(strategy: Choice, expr: ast.Expr) -> None:
    """Raise NasError (`bad-option`) for options that the types do not rule out."""
    spans = {a.name: a.value.span for a in expr.arguments} if isinstance(expr, ast.Call) else {}
    for name, value in strategy.options.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        least = 2 if name == "population" and strategy.options.get("sampler") in ("nsga2", "nsga3") else 1
        if name in _COUNTS and not (whole and value >= least):
            raise error("bad-option", f"`{name}` is a whole number of at least {least}", spans[name])
        if name in _SHARES and not 0 <= value <= 1:
            raise error("bad-option", f"`{name}` is a share from 0 to 1", spans[name])
        among = WORDS.get(name, ())
        if among and value not in among:
            hint = did_you_mean(str(value), among) or f"there are {', '.join(among)}"
            raise error("bad-option", f"`{name}` cannot be `{value}`", spans[name], hint=hint)


def read_sampling(
    stage: ast.Stage | None, fields: Fields, known: Mapping[str, Reader], library: Library
) -> tuple[Sampling, list[Diagnostic]]:
    """What a sampled search says, `trial` left out. `known` are the fields of a training."""
    own = Fields({}, {}, ())
    problems: list[Diagnostic] = []
    if stage is not None:
        own = read_fields("stage `trial`", stage.body, {**known, **TRIAL_FIELDS}, library)
        problems += own.problems
        problems += [
            Diagnostic("not-a-field", "a stage holds `field = value` lines only", Label(s.span)) for s in own.others
        ]
        own, unread = _inheriting(own)
        problems += unread
    there = [name for name, declared in library.genotypes.items() if declared.kind == "genotype"]
    for name in fields.get("enqueue", ()):
        if name not in there:
            hint = did_you_mean(name, there) or (f"there are {', '.join(there)}" if there else None)
            message = f"there is no genotype `{name}`"
            problems.append(Diagnostic("unknown-genotype", message, Label(fields.spans["enqueue"]), hint=hint))
    found = Sampling(
        limit=own.get("limit", None),
        enqueue=fields.get("enqueue", ()),
        threads=fields.get("threads", 1),
        reference=fields.get("reference", None),
        inherit=own.get("inherit", None),
        programmings=own.get("programmings", PROGRAMMINGS),
        fields=own,
    )
    return found, problems


def _inheriting(own: Fields) -> tuple[Fields, list[Diagnostic]]:
    """The fields of `stage trial` with the budget that they mean; only inherited weights need no training."""
    if "inherit" in own.spans:
        return replace(own, values={"budget": UNTRAINED, **own.values}), []
    if own.get("budget", None) == UNTRAINED:
        hint = 'name the run of a supernet, `inherit = "RUN"`, or train for at least one step'
        message = "networks that inherit no weights have to be trained"
        return own, [Diagnostic("bad-value", message, Label(own.spans["budget"]), hint=hint)]
    return own, []


def check_sampled(
    fields: Fields, stages: Iterable[ast.Stage], measures: Iterable[ast.Expr], library: Library
) -> list[Diagnostic]:
    """What a sampled search may not say: a budget of steps, fields of a relaxed search, unknown measures and stages."""
    problems = [problem for expr in measures for problem in objectives.check(expr, library)]
    budget = fields.get("budget", None)
    if budget is not None and budget.unit not in ("trials", "seconds"):
        hint = "write `40 trials` or `30 minutes`; `stage trial { budget = 30 steps }` says how long each is trained"
        message = "a search that tries genotypes counts them"
        problems.append(Diagnostic("wrong-unit", message, Label(fields.spans["budget"]), hint=hint))
    for name in ("alphas", "penalty"):
        if name in fields.spans:
            message = f"`{name}` belongs to a relaxed search"
            problems.append(Diagnostic("not-a-field", message, Label(fields.spans[name]), hint="leave it out"))
    for stage in stages:
        if stage.name not in ("train", "trial", "analog"):
            listed = "there are `stage trial`, `stage train` and `stage analog`"
            hint = did_you_mean(stage.name, ("train", "trial", "analog")) or listed
            message = f"there is no stage `{stage.name}`"
            problems.append(Diagnostic("unknown-stage", message, Label(stage.span), hint=hint))
    return problems


def check_relaxed(strategy: Choice, fields: Fields, trial: ast.Stage | None) -> list[Diagnostic]:
    """What a relaxed search may not say: trials, and the fields of those that try genotypes."""
    problems = []
    hint = f"with `strategy = {strategy.name}` there is one supernet; {', '.join(SAMPLED)} try genotypes"
    budget = fields.get("budget", None)
    if budget is not None and budget.unit == "trials":
        problems.append(Diagnostic("wrong-unit", "there are no trials here", Label(fields.spans["budget"]), hint=hint))
    for name in FIELDS:
        if name in fields.spans:
            message = f"`{name}` belongs to a search that tries genotypes"
            problems.append(Diagnostic("not-a-field", message, Label(fields.spans[name]), hint=hint))
    if trial is not None:
        message = "`stage trial` belongs to a search that tries genotypes"
        problems.append(Diagnostic("unknown-stage", message, Label(trial.span), hint=hint))
    return problems
