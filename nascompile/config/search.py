"""`search NAME : SPACE on TASK { ... }` to plain data, with every mistake of the body at its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, get_args

from nascompile.config import analog, readers
from nascompile.config.constants import Choice, SpaceCall, choice, space_call
from nascompile.config.fields import Fields, Reader, read_fields
from nascompile.config.loss import LossTerm, read_loss
from nascompile.config.measures import check_objective, check_where
from nascompile.config.sampling import (
    FIELDS,
    SAMPLED,
    TRIAL_FIELDS,
    Sampling,
    check_relaxed,
    check_sampled,
    check_strategy,
    cost_of_order,
    is_sampled,
    meant_strategy,
    read_budget,
    read_sampling,
)
from nascompile.config.stages import Stage, Written, read_stages, with_stages
from nascompile.config.tables import DROPOUTS, OPTIMISERS_WITH_SCHEDULE, SCHEDULES, STRATEGIES, TEMPERATURES
from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean, error
from nascompile.semantics.modules import Library
from nascompile.source import Span
from nascompile.syntax import nodes as ast
from nascompile.train.budget import Budget

Precision = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True)
class Optimiser:
    """An optimiser by name with its options, and its learning-rate schedule."""

    name: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    schedule: Choice = field(default_factory=lambda: Choice("constant"))


@dataclass(frozen=True, slots=True)
class Training:
    """How to train one network: the retraining of what a search found, and of the baselines.

    `loss` is a weighted sum of terms; `validate` the epochs between two validations; `mix` mixup's alpha (0: none).
    """

    optimiser: Optimiser
    budget: Budget
    loss: tuple[LossTerm, ...]
    batch: int = 8
    clip: float | None = None
    precision: Precision = "auto"
    validate: int = 1
    mix: float = 0.0
    seed: int = 0
    drop_last: bool = False


@dataclass(frozen=True, slots=True)
class Baseline:
    """What to compare with: `random` networks of the same space, a space or a genotype by name, or nothing learned.

    `threshold` and `background` are for segmentations, `brightness` (an image's mean) for classifications.
    """

    kind: Literal["threshold", "background", "brightness", "random", "space", "genotype"]
    name: str
    count: int = 1
    space: SpaceCall | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """`maximize` or `minimize` of an expression over measures."""

    direction: Literal["maximize", "minimize"]
    value: ast.Expr


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """A search as its text says it.

    `split` is the share of the training cases that the weights see; the rest is the architecture's. `train` is the
    stage of that name. `arguments` are those of the space that the text gives; `where` conditions over costs.
    `narrowing` names the `narrow` text that the space is restricted to; `stages` are searched one after another, each
    with its own fields, and `space` is then that of the last one. `sampling` says how genotypes are tried, where the
    strategy does so. `analog` is the stage of that name.
    """

    name: str
    space: SpaceCall
    task: str
    strategy: Choice
    weights: Optimiser
    alphas: Optimiser
    loss: tuple[LossTerm, ...]
    budget: Budget
    batch: int
    split: float
    seed: int
    clip: float | None
    validate: int
    precision: Precision
    penalty: ast.Expr | None
    objectives: tuple[Objective, ...]
    where: tuple[ast.Expr, ...]
    compare: tuple[Baseline, ...]
    train: Training
    spans: Mapping[str, Span] = field(default_factory=lambda: MappingProxyType({}), compare=False, repr=False)
    narrowing: str | None = None
    stages: tuple[Stage, ...] = ()
    sampling: Sampling | None = None
    analog: analog.AnalogStage | None = None


def read_search(declaration: ast.SearchDecl, library: Library) -> SearchConfig:
    """The search of a declaration (as written, or with overrides applied). Raises NasError with every mistake."""
    name = declaration.name
    problems: list[Diagnostic] = []
    space: SpaceCall | None = None
    try:
        space = space_call(declaration.space, library)
    except NasError as failure:
        problems.extend(failure.diagnostics)
    if not isinstance(declaration.task, ast.Name) or declaration.task.id not in library.tasks:
        text = declaration.task.span.text
        hint = did_you_mean(text, library.tasks) or "a search is `on` a task of the text"
        problems.append(
            Diagnostic("unknown-task", f"there is no task `{text}`", Label(declaration.task.span), hint=hint)
        )
    fields = read_fields(f"search `{name}`", declaration.body, READERS, library)
    problems += fields.problems
    objectives: list[Objective] = []
    where: list[ast.Expr] = []
    stages: list[ast.Stage] = []
    for statement in fields.others:
        if isinstance(statement, ast.Objective):
            objectives += [Objective(statement.direction, value) for value in statement.values]
        elif isinstance(statement, ast.Where):
            where.append(statement.condition)
        elif isinstance(statement, ast.Stage):
            stages.append(statement)
        else:
            hint = "a search holds fields, `maximize`, `minimize`, `where` and `stage`"
            problems.append(Diagnostic("not-a-field", "this is no part of a search", Label(statement.span), hint=hint))
    stage = Fields({}, {}, ())
    for written in (s for s in stages if s.name == "train"):
        stage = read_fields(f"stage `train` of `{name}`", written.body, TRAIN_READERS, library)
        problems += stage.problems
        problems += [
            Diagnostic("not-a-field", "a stage holds `field = value` lines only", Label(s.span)) for s in stage.others
        ]
    tiles: Fields | None = None
    for written in (s for s in stages if s.name == analog.NAME):
        tiles, bad = analog.read_analog(written, TRAIN_READERS, library)
        problems += bad
    strategy = meant_strategy(declaration, fields, stages)
    trial = next((s for s in stages if s.name == "trial"), None)
    if is_sampled(strategy):
        measured = [o.value for o in objectives] + where
        problems += check_sampled(fields, stages, measured, library)
        sampling, bad = read_sampling(trial, fields, TRAIN_READERS, library)
        searching: list[Written] = []
    else:
        problems += [problem for objective in objectives for problem in check_objective(objective.value)]
        problems += [problem for condition in where for problem in check_where(condition)]
        problems += check_relaxed(strategy, fields, trial)
        sampling = None
        others = [s for s in stages if s.name not in ("train", "trial", analog.NAME)]
        of_space = None if space is None else library.spaces[space.name]
        searching, bad = read_stages(name, others, of_space, READERS, library)
    problems += bad
    if "budget" not in fields.spans and not (searching and all("budget" in s.values for s in searching)):
        problems.append(_missing(declaration, "budget"))
    if problems or space is None:
        raise NasError(problems)
    weights = fields.get("weights", _optimiser(Choice("sgd")))
    loss = fields.get("loss", (LossTerm(1.0, None, Choice("dice_ce")),))
    budget = fields.get("budget", searching[-1].values.get("budget") if searching else None)
    train = _training(stage, fields, budget if sampling is None else Budget(40))
    config = SearchConfig(
        name=name,
        space=space,
        task=declaration.task.id if isinstance(declaration.task, ast.Name) else "",
        strategy=strategy,
        weights=weights,
        alphas=fields.get("alphas", _optimiser(Choice("adam", MappingProxyType({"lr": 3e-4, "weight_decay": 1e-3})))),
        loss=loss,
        budget=budget,
        batch=fields.get("batch", 8),
        split=fields.get("split", 0.5),
        seed=fields.get("seed", 0),
        clip=fields.get("clip", 5.0),
        validate=fields.get("validate", 1),
        precision=fields.get("precision", "auto"),
        penalty=fields.get("penalty", None),
        objectives=tuple(objectives),
        where=tuple(where),
        compare=fields.get("compare", ()),
        train=train,
        spans=MappingProxyType({**fields.spans, "name": declaration.span}),
        narrowing=fields.get("narrowing", None),
        analog=None if tiles is None else analog.analog_stage(tiles, train),
    )
    if sampling is not None:
        own = replace(sampling, trial=_training(sampling.fields, fields, Budget(1)))
        return replace(config, sampling=own)
    return with_stages(config, searching)


def _training(stage: Fields, fields: Fields, budget: Budget) -> Training:
    """The training of a stage; what it leaves out is as in the search."""
    return Training(
        optimiser=stage.get("weights", fields.get("weights", _optimiser(Choice("sgd")))),
        budget=stage.get("budget", budget),
        loss=stage.get("loss", fields.get("loss", (LossTerm(1.0, None, Choice("dice_ce")),))),
        batch=stage.get("batch", fields.get("batch", 8)),
        clip=stage.get("clip", fields.get("clip", 5.0)),
        precision=stage.get("precision", fields.get("precision", "auto")),
        validate=stage.get("validate", 1),
        mix=stage.get("mix", 0.0),
        seed=stage.get("seed", fields.get("seed", 0)),
    )


def _missing(declaration: ast.SearchDecl, noun: str) -> Diagnostic:
    message = f"search `{declaration.name}` has no `{noun}`"
    return Diagnostic("missing-field", message, Label(declaration.span), hint=f"write `{noun} = 20 epochs`")


def _optimiser(found: Choice) -> Optimiser:
    options = {k: v for k, v in found.options.items() if k != "schedule"}
    schedule = found.options.get("schedule", "constant")
    return Optimiser(found.name, MappingProxyType(options), Choice(schedule) if isinstance(schedule, str) else schedule)


def _read_optimiser(expr: ast.Expr, library: Library) -> Optimiser:
    found = readers.choice_of("optimiser", OPTIMISERS_WITH_SCHEDULE)(expr, library)
    for argument in expr.arguments if isinstance(expr, ast.Call) else ():
        if argument.name == "schedule":
            readers.choice_of("schedule", SCHEDULES)(argument.value, library)
    return _optimiser(found)


def _read_strategy(expr: ast.Expr, library: Library) -> Choice:
    found: Choice = readers.choice_of("strategy", {**STRATEGIES, **SAMPLED})(expr, library)
    check_strategy(found, expr)
    options = dict(found.options)
    for argument in expr.arguments if isinstance(expr, ast.Call) else ():
        if argument.name == "warmup":
            options["warmup"] = readers.budget(argument.value, library)
        if argument.name == "patience":
            options["patience"] = readers.integer(1)(argument.value, library)
        if argument.name == "cost":
            options["cost"] = cost_of_order(argument.value, library)
        if argument.name == "temperature":
            options["temperature"] = readers.choice_of("temperature", TEMPERATURES)(argument.value, library)
        if argument.name in STRATEGY_READERS:
            options[argument.name] = STRATEGY_READERS[argument.name](argument.value, library)
    if found.options.get("order", 1) != 1:
        raise error("bad-option", "only first-order bilevel search is built", expr.span, hint="write `order = 1`")
    return replace(found, options=MappingProxyType(options))


def _read_dropout(expr: ast.Expr, library: Library) -> Choice:
    """A schedule of probabilities: `linear(start = 0.3)`."""
    found: Choice = readers.choice_of("schedule", DROPOUTS)(expr, library)
    for argument in expr.arguments if isinstance(expr, ast.Call) else ():
        readers.real(0, 1)(argument.value, library)
    return found


def _read_dropped(expr: ast.Expr, library: Library) -> str | tuple[str, ...]:
    """`without_weights`, `all`, or a list of candidates."""
    if isinstance(expr, ast.List):
        return readers.words(expr, library)
    return str(readers.word("without_weights", "all")(expr, library))


STRATEGY_READERS: dict[str, Reader] = {
    "candidate_dropout": _read_dropout,
    "dropped": _read_dropped,
    "mix_ways": readers.integer(2),
    "paths": readers.integer(1),
    "path_steps": readers.integer(1),
    "path_weights": readers.word("relaxed", "one"),
}

_NOT_LEARNED: tuple[Literal["threshold", "background", "brightness"], ...] = ("threshold", "background", "brightness")


def _read_baseline(expr: ast.Expr, library: Library) -> Baseline:
    name = expr.callee if isinstance(expr, ast.Call) else expr
    if isinstance(name, ast.Name) and name.id not in library.spaces:
        for plain in _NOT_LEARNED:
            if name.id == plain and isinstance(expr, ast.Name):
                return Baseline(plain, plain)
        if name.id == "random":
            found = choice(expr, library)
            count = found.positional[0] if found.positional else 1
            if not isinstance(count, int) or count < 1:
                raise error("bad-option", "`random` takes a number of networks", expr.span, hint="write `random(3)`")
            return Baseline("random", "random", count)
        if name.id in library.genotypes and isinstance(expr, ast.Name):
            return Baseline("genotype", name.id)
        known = [*_NOT_LEARNED, "random", *library.spaces, *library.genotypes]
        hint = (
            did_you_mean(name.id, known) or f"name a space, a genotype, `random`, or one of {', '.join(_NOT_LEARNED)}"
        )
        raise error("unknown-baseline", f"there is nothing called `{name.id}` to compare with", name.span, hint=hint)
    call = space_call(expr, library)
    return Baseline("space", call.name, space=call)


def _read_narrowing(expr: ast.Expr, library: Library) -> str:
    known = [name for name, d in library.genotypes.items() if d.kind == "narrow"]
    name = str(readers.word()(expr, library))
    if name not in known:
        hint = did_you_mean(name, known) or "import the text that holds it: `narrow NAME : SPACE { ... }`"
        raise error("unknown-name", f"there is no narrowing `{name}`", expr.span, hint=hint)
    return name


def _read_split(expr: ast.Expr, library: Library) -> float:
    try:
        return float(readers.real(0.05, 0.95)(expr, library))
    except NasError as failure:
        hint = "it is the share that the weights see; how cases are divided says the task: `task.split`"
        raise NasError(replace(problem, hint=problem.hint or hint) for problem in failure.diagnostics) from None


def _clip(expr: ast.Expr, library: Library) -> float | None:
    if isinstance(expr, ast.Name) and expr.id == "none":
        return None
    return float(readers.real(1e-6, 1e6)(expr, library))


TRAIN_READERS: dict[str, Reader] = {
    "weights": _read_optimiser,
    "loss": read_loss,
    "budget": readers.budget,
    "batch": readers.integer(1),
    "clip": _clip,
    "precision": readers.word(*get_args(Precision)),
    "validate": readers.integer(1),
    "mix": readers.real(0, 100),
    "seed": readers.integer(0),
}

READERS: dict[str, Reader] = {
    "strategy": _read_strategy,
    "weights": _read_optimiser,
    "alphas": _read_optimiser,
    "loss": read_loss,
    "penalty": readers.expression,
    "budget": read_budget,
    "batch": readers.integer(1),
    "split": _read_split,
    "seed": readers.integer(0),
    "clip": _clip,
    "precision": readers.word(*get_args(Precision)),
    "validate": readers.integer(1),
    "compare": readers.listed(_read_baseline),
    "narrowing": _read_narrowing,
    **FIELDS,
}

TRIAL_READERS: dict[str, Reader] = {**TRAIN_READERS, **TRIAL_FIELDS}
ANALOG_READERS: dict[str, Reader] = {**TRAIN_READERS, **analog.OWN_READERS}
