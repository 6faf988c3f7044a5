"""Reading what a study recorded, whoever made it."""

from __future__ import annotations

import optuna
from optuna.study import StudyDirection
from sqlalchemy.exc import SQLAlchemyError

from nascompile.diagnostics import error
from nascompile.search.distributions import Distributions
from nascompile.search.strategy import Trial
from nascompile.search.study import Study, _storage
from nascompile.space.space import SearchSpace


def read_trials(url: str, name: str, space: SearchSpace) -> list[Trial]:
    """The trials of a study that have ended, whoever made it; nothing is written.

    A run's folder may have been renamed: the only study of a database needs no name. Raises NasError
    (`unreadable-study`).
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        storage = _storage(url)
        studies = {study.study_name: study._study_id for study in storage.get_all_studies()}
        key = studies[name] if name in studies or len(studies) != 1 else next(iter(studies.values()))
    except (optuna.exceptions.StorageInternalError, KeyError, RuntimeError, SQLAlchemyError) as cause:
        reason = str(cause.__cause__ or cause).splitlines()[0]
        raise error("unreadable-study", f"the study `{name}` at `{url}` cannot be read: {reason}") from cause
    signs = tuple(1 if d == StudyDirection.MINIMIZE else -1 for d in storage.get_study_directions(key))
    found = Study(storage, key, space, Distributions(space), signs).trials()
    return [trial for trial in found if trial is not None]
