"""The record of a search: an Optuna study, in SQLite or any database that Optuna knows, so that its dashboard opens it.

A trial holds its genotype (as text and as values), seed, measures, seconds and error beside Optuna's own parameters and
values. What the study needs to be resumed is in the study; what was measured is never measured again.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from nascompile.diagnostics import error
from nascompile.search.claims import Claims
from nascompile.search.distributions import MAPPING, Distributions
from nascompile.search.strategy import State, Trial
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace

_STATES: dict[State, TrialState] = {
    "complete": TrialState.COMPLETE,
    "rejected": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


def file_url(path: Path) -> str:
    """The address of an SQLite file."""
    return f"sqlite:///{path.resolve().as_posix()}"


@dataclass(slots=True)
class Study:
    """An open study. `signs` are 1 for objectives that are minimised, -1 for those that are maximised.

    With `claims`, every write of a trial counts only while this process has the trial.
    """

    storage: RDBStorage
    key: int
    space: SearchSpace
    distributions: Distributions
    signs: tuple[int, ...]
    claims: Claims | None = None
    _ids: dict[int, int] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)
    _read: int = 0
    _cached: BaseStorage | None = None

    @staticmethod
    def open(
        url: str, name: str, space: SearchSpace, signs: Sequence[int], names: Sequence[str], mark: Mapping[str, Any],
        free: Collection[str] = (), option: str = "--name",
    ) -> Study:  # fmt: skip
        """The study `name` at an address, made unless it is there; `names` are those of the objectives.

        `mark` says what two runs must share for one to resume the other: seed, threads, versions; `free` are its keys
        that may differ all the same, and `option` what names a study on the command line. Raises NasError:
        `study-of-another-search`, `unreadable-study`.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        directions = [StudyDirection.MINIMIZE if s > 0 else StudyDirection.MAXIMIZE for s in signs]
        wanted = {"mapping": MAPPING, **mark}
        try:
            storage = _storage(url)
            try:
                key = storage.create_new_study(directions, name)
                storage.set_study_user_attr(key, "mark", wanted)
                storage.set_study_system_attr(key, "study:metric_names", list(names))
            except optuna.exceptions.DuplicatedStudyError:
                key = storage.get_study_id_from_name(name)
        except (optuna.exceptions.StorageInternalError, RuntimeError, SQLAlchemyError) as cause:
            reason = str(cause.__cause__ or cause).splitlines()[0]
            hint = f"if it is no study of this program, give another `--storage` or `{option}`"
            raise error("unreadable-study", f"the study at `{url}` cannot be read: {reason}", hint=hint) from cause
        except ImportError as cause:
            hint = "install the driver of that database, or leave `--storage` out"
            raise error("unreadable-study", f"`{url}` cannot be opened: {cause}", hint=hint) from cause
        found = _mark(storage, key)
        if found is None:  # killed between the two writes above
            storage.set_study_user_attr(key, "mark", wanted)
            found = wanted
        changed = [k for k in {**found, **wanted} if found.get(k) != wanted.get(k) and k not in free]
        if not changed and storage.get_study_directions(key) != directions:
            changed = ["objectives"]
        if changed:
            message = f"the study `{name}` was made with another {', '.join(changed)}"
            was = ", ".join(f"{k} = {found.get(k)}" for k in changed)
            mix = ", or mix measurements: `--any-machine`" if changed == ["machine"] else ""
            raise error("study-of-another-search", message, hint=f"it has {was}; give another `{option}`{mix}")
        return Study(storage, key, space, Distributions(space), tuple(signs))

    def trials(self) -> list[Trial | None]:
        """All trials by number; None for those that were begun and have not ended."""
        found: list[Trial | None] = []
        for frozen in sorted(self.storage.get_all_trials(self.key, deepcopy=False), key=lambda t: t.number):
            self._ids[frozen.number] = frozen._trial_id
            found.append(self._trial(frozen) if frozen.state.is_finished() else None)
        return found

    def news(self) -> list[tuple[int, Trial | None, Genotype]]:
        """What has changed since the last call, by number: new trials, and those that had not ended then."""
        if self._cached is None:
            self._cached = optuna.storages.get_storage(self.storage)  # reads ended trials once
        found: list[tuple[int, Trial | None, Genotype]] = []
        for frozen in sorted(self._cached.get_all_trials(self.key, deepcopy=False), key=lambda t: t.number):
            if frozen.number >= self._read or frozen.number in self._open:
                self._ids[frozen.number] = frozen._trial_id
                trial = self._trial(frozen) if frozen.state.is_finished() else None
                found.append((frozen.number, trial, self._genotype(frozen) if trial is None else trial.genotype))
        self._open = {number for number, trial, _ in found if trial is None}
        self._read = max([self._read, *(number + 1 for number, _, _ in found)])
        return found

    def take(self, number: int) -> bool:
        """Whether this process may do a trial (`Claims.take`)."""
        return self.claims is None or self.claims.take(number)

    def drop(self, number: int) -> None:
        """Leave a trial to other processes."""
        if self.claims is not None:
            self.claims.drop(number)

    def genotype(self, number: int) -> Genotype:
        """The genotype of a trial that was begun."""
        return self._genotype(self.storage.get_trial(self._ids[number]))

    def begin(self, number: int, genotype: Genotype, seed: int) -> None:
        """Record that a trial runs; at once in one transaction."""
        self._create(number, self._frozen(number, genotype, TrialState.RUNNING, self._attrs(genotype, seed)))

    def reject(self, trial: Trial) -> None:
        """Record a trial that was not run, because a static measure breaks a condition."""
        attrs = {**self._attrs(trial.genotype, trial.seed), **_results(trial)}
        self._create(trial.number, self._frozen(trial.number, trial.genotype, TrialState.PRUNED, attrs))

    def finish(self, trial: Trial) -> None:
        """Record what came of a trial that was begun; it counts as ended with the last write. Raises `Lost`."""
        key = self._ids[trial.number]
        for name, value in _results(trial).items():
            self._fence(trial.number)
            self.storage.set_trial_user_attr(key, name, value)
        losses = [loss * sign for loss, sign in zip(trial.losses, self.signs, strict=False)]
        self._fence(trial.number)
        self.storage.set_trial_state_values(key, _STATES[trial.state], losses or None)

    def _fence(self, number: int) -> None:
        if self.claims is not None:
            self.claims.fence(number)

    def _create(self, number: int, template: FrozenTrial) -> None:
        self._fence(number)
        key = self.storage.create_new_trial(self.key, template)
        self._ids[number] = key
        if self.storage.get_trial_number_from_id(key) != number:
            message = f"another process writes to this study: trial {number} is taken"
            raise error("study-in-use", message, hint="give another `--name`, or wait for it to end")

    def _attrs(self, genotype: Genotype, seed: int) -> dict[str, Any]:
        values = {path: list(v) if isinstance(v, tuple) else v for path, v in genotype.values.items()}
        return {"genotype": genotype.to_text("trial", header=False), "values": values, "seed": seed}

    def _frozen(self, number: int, genotype: Genotype, state: TrialState, attrs: Mapping[str, Any]) -> FrozenTrial:
        params: dict[str, Any]
        distributions: dict[str, BaseDistribution]
        params, distributions = self.distributions.trial(genotype.values)
        now = datetime.now()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return FrozenTrial(
                number=number, trial_id=number, state=state, value=None, values=None, params=params,
                distributions=distributions, user_attrs=dict(attrs), system_attrs={}, intermediate_values={},
                datetime_start=now, datetime_complete=now if state.is_finished() else None,
            )  # fmt: skip

    def _genotype(self, frozen: FrozenTrial) -> Genotype:
        values = frozen.user_attrs["values"]
        return self.space.genotype({p: tuple(v) if isinstance(v, list) else v for p, v in values.items()})

    def _trial(self, frozen: FrozenTrial) -> Trial:
        attrs = frozen.user_attrs
        state = next(mine for mine, theirs in _STATES.items() if theirs == frozen.state)
        values = frozen.values if state == "complete" else []
        return Trial(
            number=frozen.number,
            genotype=self._genotype(frozen),
            state=state,
            losses=tuple(v * sign for v, sign in zip(values, self.signs, strict=True)) if values else (),
            violation=attrs.get("violation", 0.0),
            measures=attrs.get("measures", {}),
            seed=attrs["seed"],
            seconds=attrs.get("seconds", 0.0),
            error=attrs.get("error", "") if state == "failed" else "",  # a kill while a failure was written
            machine=attrs.get("machine", ""),
        )


@contextmanager
def reached(study: Study) -> Iterator[None]:
    """Raise NasError (`unreadable-study`) where the database of a study fails within the context."""
    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as cause:
        reason = str(cause.__cause__ or cause).splitlines()[0]
        hint = "what was recorded is safe; go on with `--resume` when the database can be reached"
        address = study.storage.engine.url.render_as_string(hide_password=True)
        raise error("unreadable-study", f"the study at `{address}` is out of reach: {reason}", hint=hint) from cause


def _mark(storage: RDBStorage, key: int) -> dict[str, Any] | None:
    """The mark of a study; another process that makes the study just now gets time to write it."""
    for _ in range(50):
        found: dict[str, Any] | None = storage.get_study_user_attrs(key).get("mark")
        if found is not None:
            return found
        time.sleep(0.1)
    return None


def _storage(url: str) -> RDBStorage:
    """A database; an SQLite file with a write-ahead log: a killed process leaves it whole, and it is faster."""
    patient = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}  # seconds that others may write
    storage = _connected(url, patient)
    if storage.engine.dialect.name == "sqlite":

        def prepare(connected: Any, record: Any) -> None:
            cursor = connected.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.close()

        event.listen(storage.engine, "connect", prepare)
        storage.scoped_session.remove()
        storage.engine.dispose()  # connections that were opened before
    return storage


def _connected(url: str, engine: dict[str, Any]) -> RDBStorage:
    for _ in range(10):
        try:
            return RDBStorage(url, engine_kwargs=engine)
        except (SQLAlchemyError, RuntimeError) as cause:
            if not any(word in str(cause) for word in _BUSY):
                raise
            time.sleep(0.2)
    return RDBStorage(url, engine_kwargs=engine)


_BUSY = ("already exists", "duplicate key", "Duplicate entry", "UNIQUE constraint", "database is locked")
"""What databases say when another process makes the tables at the same time."""


def _results(trial: Trial) -> dict[str, Any]:
    found = {"measures": dict(trial.measures), "violation": trial.violation, "seconds": trial.seconds}
    told = {"error": trial.error, "machine": trial.machine}
    return {**found, **{name: text for name, text in told.items() if text}}
