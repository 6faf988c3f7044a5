"""What a search that tried genotypes leaves in its run folder: the front, its course, one genotype to go on with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nascompile.diagnostics import error
from nascompile.files import write_text
from nascompile.jobs.folder import FRONT_TEXT, SPEC, write_genotype
from nascompile.runs import Run, write_json, write_table
from nascompile.search.pareto import first_front, hypervolume, knee
from nascompile.search.strategy import Trial
from nascompile.space.genotype import Genotype
from nascompile.syntax import nodes as ast

FRONT = "front.json"
TRIALS = "trials.json"


@dataclass(frozen=True, slots=True)
class Goal:
    """An objective: how the text names it, 1 to minimise or -1 to maximise, and its expression."""

    name: str
    sign: int
    value: ast.Expr

    @staticmethod
    def of_metric(name: str) -> Goal:
        """What a text without objectives means: the task's metric, maximised."""
        return Goal(name, -1, ast.Name(name))


@dataclass(frozen=True, slots=True)
class Front:
    """The trials that fulfil the conditions and than which none is better in every objective, by number.

    With one objective it is the best trial. `chosen` is the place of the one to go on with: the knee.
    """

    members: tuple[Trial, ...]
    chosen: int


def front_of(trials: Sequence[Trial]) -> Front:
    """The front of complete trials. Raises NasError (`no-trial-succeeded`) with the first reason."""
    legal = [t for t in trials if t.state == "complete" and t.violation <= 0]
    if not legal:
        failed = next((t.error for t in trials if t.error), "")
        broken = sum(t.violation > 0 for t in trials)
        reason = failed or f"{broken} of {len(trials)} break the conditions of the search"
        hint = "loosen `where`, or give the search a larger budget" if broken else None
        raise error("no-trial-succeeded", f"no trial of {len(trials)} can be used: {reason}", hint=hint)
    seen: dict[tuple[float, ...], Trial] = {}
    for trial in (legal[i] for i in first_front([t.losses for t in legal])):
        seen.setdefault(trial.losses, trial)
    members = tuple(seen.values())
    return Front(members, knee([t.losses for t in members]))


def reference_of(trials: Sequence[Trial], goals: Sequence[Goal], given: Sequence[float] | None) -> list[float]:
    """What the hypervolume reaches to, as losses: the text's, or the worst value of each objective."""
    if given is not None:
        return [goal.sign * value for goal, value in zip(goals, given, strict=True)]
    return [max(column) for column in zip(*(t.losses for t in trials if t.state == "complete"), strict=True)]


def trace(trials: Sequence[Trial], reference: Sequence[float]) -> list[float]:
    """The hypervolume after each trial, in the order of their numbers."""
    found: list[float] = []
    points: list[tuple[float, ...]] = []
    for trial in trials:
        if trial.state == "complete" and trial.violation <= 0:
            points.append(trial.losses)
            points = [points[i] for i in first_front(points)]
            found.append(hypervolume(points, reference))
        else:
            found.append(found[-1] if found else 0.0)
    return found


def write_outcome(
    run: Run, trials: Sequence[Trial], goals: Sequence[Goal], reference: Sequence[float] | None
) -> Genotype:
    """Write the front, all trials and their tables, and `genotype.nas`, which is returned."""
    front = front_of(trials)
    corner = reference_of(trials, goals, reference)
    volumes = trace(trials, corner)
    texts = [t.genotype.to_text(f"front_{i + 1}", header=False) for i, t in enumerate(front.members)]
    write_text(run.path(FRONT_TEXT), "\n".join([f"nas 1\nimport {Path(SPEC).stem}\n", *texts]))
    write_json(
        run.path(FRONT),
        {
            "objectives": [{"name": g.name, "direction": "minimize" if g.sign > 0 else "maximize"} for g in goals],
            "reference": [g.sign * value for g, value in zip(goals, corner, strict=True)],
            "hypervolume": volumes[-1],
            "trace": volumes,
            "knee": f"front_{front.chosen + 1}",
            "front": [
                {"name": f"front_{i + 1}", **summary(t, goals), "genotype": text.strip()}
                for i, (t, text) in enumerate(zip(front.members, texts, strict=True))
            ],
        },
    )
    places = {t.number: i + 1 for i, t in enumerate(front.members)}
    listed = [
        {**summary(t, goals), "state": t.state, "error": t.error, "genotype": t.genotype.to_text("trial", header=False)}
        for t in trials
    ]
    write_json(run.path(TRIALS), {"trials": listed})
    rows = [_row(t, goals, v, places.get(t.number)) for t, v in zip(trials, volumes, strict=True)]
    write_table(run.path("metrics.csv"), rows)
    write_table(run.path("timing.csv"), [{"stage": f"trial {t.number}", "seconds": t.seconds} for t in trials])
    chosen = front.members[front.chosen].genotype
    write_genotype(run, chosen)
    return chosen


def summary(trial: Trial, goals: Sequence[Goal]) -> dict[str, Any]:
    """Number, objectives and measures of a trial, as plain data."""
    values = {g.name: g.sign * loss for g, loss in zip(goals, trial.losses, strict=False)}
    measured = {"machine": trial.machine} if trial.machine else {}
    return {"trial": trial.number, "seed": trial.seed, "values": values, "measures": dict(trial.measures), **measured}


def _row(trial: Trial, goals: Sequence[Goal], volume: float, place: int | None) -> Mapping[str, Any]:
    losses = dict(zip((g.name for g in goals), trial.losses, strict=False))
    return {
        "trial": trial.number,
        "state": trial.state,
        **{g.name: g.sign * losses[g.name] if g.name in losses else None for g in goals},
        **{name: value for name, value in trial.measures.items() if name not in losses},
        "violation": trial.violation,
        "hypervolume": volume,
        "front": "" if place is None else f"front_{place}",
        "genotype": trial.genotype.digest(),
        "error": trial.error,
    }


__all__ = ["FRONT", "Front", "Goal", "front_of", "trace", "write_outcome"]
