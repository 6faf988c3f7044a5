"""Which case is trained on, validated on, tested on. Seeded, and never tearing a patient apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nascompile.data.cases import Case, find_cases, read_json
from nascompile.data.task import SPLITS, ByFolder, Ratio, SplitFile, SplitName, Task
from nascompile.diagnostics import Diagnostic, NasError, did_you_mean


@dataclass(frozen=True, slots=True)
class Splits:
    """The cases of each split."""

    train: tuple[Case, ...]
    val: tuple[Case, ...]
    test: tuple[Case, ...]

    def named(self, name: SplitName) -> tuple[Case, ...]:
        """The split called `name`."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]


def load_splits(task: Task) -> Splits:
    """The splits of a task, volumes as planes where it says so; raises `NasError` with everything that is wrong."""
    cases, problems = find_cases(task)
    splits, more = split_cases(task, cases)
    problems += more
    if any(p.severity == "error" for p in problems):
        raise NasError(problems)
    if any(source.slices is not None for source in task.sources):
        from nascompile.data.slices import planes_of  # it reads images

        splits = Splits(*(planes_of(task, splits.named(name)) for name in SPLITS))
    return splits


def empty_split(task: Task, name: SplitName) -> Diagnostic:
    """The error that a split which is needed has no case."""
    hint = "put ids into it, or use `ratio(0.7, 0.15, 0.15)`"
    return task.problem("empty-split", f"the split `{name}` of `{task.name}` is empty", "split", hint=hint)


def split_cases(task: Task, cases: Sequence[Case]) -> tuple[Splits, list[Diagnostic]]:
    """Divide `cases` as the task says; a union divides each part by that part's own rule."""
    named: dict[SplitName, list[Case]] = {name: [] for name in SPLITS}
    problems: list[Diagnostic] = []
    for index, part in enumerate(task.sources):
        own = [c for c in cases if c.part == index]
        divided, bad = _divide(part, own, prefix=f"{part.name}/" if task.parts else "")
        problems += bad
        for name in SPLITS:
            named[name] += divided.get(name, [])
    return Splits(*(tuple(named[name]) for name in SPLITS)), problems


def _divide(task: Task, cases: list[Case], prefix: str) -> tuple[dict[SplitName, list[Case]], list[Diagnostic]]:
    match task.split:
        case SplitFile():
            named, problems = _by_file(task, task.split, cases, prefix)
        case Ratio():
            named, problems = _by_ratio(task, task.split, cases)
        case ByFolder():
            named, problems = _by_folder(task, cases), []
    problems += _torn_groups(task, named)
    return named, problems


def _by_file(
    task: Task, split: SplitFile, cases: list[Case], prefix: str
) -> tuple[dict[SplitName, list[Case]], list[Diagnostic]]:
    value, problems = read_json(task, split.path, "split")
    known = {case.id: case for case in cases}
    for each in cases:  # the stem of the image is a second name, for patterns like `*/image.png` or `Case??.mhd`
        known.setdefault(prefix + _stem(each), each)
    named: dict[SplitName, list[Case]] = {name: [] for name in SPLITS}
    seen: dict[str, SplitName] = {}
    for name in SPLITS:
        ids = value.get(name, [])
        if not isinstance(ids, list):
            message = f"`{name}` of `{split.path}` is no list of ids"
            problems.append(task.problem("bad-split-file", message, "split", hint=f'write `"{name}": ["id", "id"]`'))
            continue
        for identity in ids:
            case: Case | None = known.get(prefix + str(identity))
            if case is None:
                hint = did_you_mean(str(identity), (i.removeprefix(prefix) for i in known))
                message = f"the split `{name}` names `{identity}`, which is no case of `{task.name}`"
                if cases:
                    problems.append(task.problem("absent-case", message, "split", hint=hint))
            elif case.id in seen:
                message = f"`{identity}` is in the splits `{seen[case.id]}` and `{name}`"
                hint = "a case may be in one split only, or the metric measures memory"
                problems.append(task.problem("overlapping-splits", message, "split", hint=hint))
            else:
                seen[case.id] = name
                named[name].append(case)
    return named, problems


def _stem(case: Case) -> str:
    name = case.images[0].name
    return name.removesuffix(".gz").rsplit(".", 1)[0]


def _by_ratio(task: Task, split: Ratio, cases: list[Case]) -> tuple[dict[SplitName, list[Case]], list[Diagnostic]]:
    shares = (split.train, split.val, split.test)
    named: dict[SplitName, list[Case]] = {name: [] for name in SPLITS}
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        message = f"the shares of `ratio` are {shares}; they must be positive and sum to 1"
        return named, [task.problem("bad-ratio", message, "split", hint="write `ratio(0.7, 0.15, 0.15)`")]
    ends = np.cumsum(shares) * len(cases)
    done = 0
    for group in _shuffled_groups(cases, split.seed):
        middle = done + len(group) / 2  # a group goes where its middle falls
        name = SPLITS[min(int(np.searchsorted(ends, middle)), 2)]
        named[name] += group
        done += len(group)
    return {name: sorted(group, key=lambda c: c.id) for name, group in named.items()}, []


def _by_folder(task: Task, cases: list[Case]) -> dict[SplitName, list[Case]]:
    named: dict[SplitName, list[Case]] = {name: [] for name in SPLITS}
    for case in cases:
        image = case.images[0]
        first = image.relative_to(task.root).parts[0] if image.is_relative_to(task.root) else ""
        for name in SPLITS:
            if first == name:
                named[name].append(case)
    return named


def _torn_groups(task: Task, named: dict[SplitName, list[Case]]) -> list[Diagnostic]:
    homes: dict[str, set[SplitName]] = {}
    for name in SPLITS:
        for case in named[name]:
            homes.setdefault(case.group, set()).add(name)
    torn = sorted(group for group, names in homes.items() if len(names) > 1)
    if not torn:
        return []
    message = f"{len(torn)} patient(s) of `{task.name}` are in more than one split, `{torn[0]}` for one"
    problem = task.problem("patient-in-two-splits", message, "split", hint="metrics on such a split are too good")
    return [replace(problem, severity="warning")]


def _shuffled_groups(cases: Sequence[Case], seed: int) -> list[list[Case]]:
    groups: dict[str, list[Case]] = {}
    for case in sorted(cases, key=lambda c: c.id):
        groups.setdefault(case.group, []).append(case)
    ordered = list(groups.values())
    return [ordered[int(i)] for i in np.random.default_rng(seed).permutation(len(ordered))]


def halves(cases: Sequence[Case], seed: int, portion: float = 0.5) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    """Cases for the weights and cases for the architecture (DARTS, arXiv 1806.09055, section 2.3).

    `portion` is the share of the weights. Groups stay together, each part of a union is divided for itself, or, where
    that leaves one half empty, all parts as one; both halves are non-empty when there are two groups, and the same seed
    gives the same halves.
    """
    parts = sorted({case.part for case in cases})
    divided = [_cut([c for c in cases if c.part == part], seed, portion) for part in parts]
    if len(parts) > 1 and not (any(w for w, _ in divided) and any(a for _, a in divided)):
        divided = [_cut(cases, seed, portion)]
    weights = [c for own, _ in divided for c in own]
    architecture = [c for _, own in divided for c in own]
    order = {case.id: i for i, case in enumerate(cases)}
    return (
        tuple(sorted(weights, key=lambda c: order[c.id])),
        tuple(sorted(architecture, key=lambda c: order[c.id])),
    )


def _cut(cases: Sequence[Case], seed: int, portion: float) -> tuple[list[Case], list[Case]]:
    """Groups in a shuffled order, cut where the first ones hold about `portion` of the cases."""
    groups = _shuffled_groups(cases, seed)
    target = portion * len(cases)
    cut, done = 0, 0
    while cut < len(groups) and done + len(groups[cut]) / 2 <= target:
        done += len(groups[cut])
        cut += 1
    if len(groups) > 1:
        cut = min(max(cut, 1), len(groups) - 1)
    return [c for group in groups[:cut] for c in group], [c for group in groups[cut:] for c in group]
