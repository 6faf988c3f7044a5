"""Fitting: gradient-boosted trees by LightGBM, each member of the ensemble on a bootstrap sample of the nets.

Ke et al., "LightGBM", NeurIPS 2017; bagging for a predictor's spread: Breiman, Machine Learning 24, 1996.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from nascompile.diagnostics import error
from nascompile.search.surrogate.trees import Member, tree_of

MEMBERS = 8
ROUNDS = 80
"""Trees of a member."""

_OPTIONS = {
    "objective": "regression",
    "learning_rate": 0.08,
    "num_leaves": 8,
    "min_data_in_bin": 1,
    "feature_fraction": 0.7,
    "lambda_l2": 0.5,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


def boosted(rows: Sequence[Sequence[float]], values: Sequence[float], seed: int) -> tuple[Member, ...]:
    """`MEMBERS` boosted ensembles for `values` from `rows`, equal for equal seeds. Raises NasError
    (`missing-package`)."""
    rng = random.Random(f"{seed}/members")
    found = []
    for number in range(MEMBERS):
        drawn = [rng.randrange(len(rows)) for _ in rows]
        found.append(_member([rows[i] for i in drawn], [values[i] for i in drawn], seed * MEMBERS + number))
    return tuple(found)


def require_library() -> None:
    """Raise NasError (`missing-package`) where LightGBM is not installed."""
    try:
        import lightgbm  # noqa: F401
    except ImportError:
        hint = 'install it: `pip install "nascompile[surrogate]"`; files that are there can be used without'
        raise error("missing-package", "a surrogate is fitted with LightGBM", hint=hint) from None


def _member(rows: Sequence[Sequence[float]], values: Sequence[float], seed: int) -> Member:
    require_library()
    import lightgbm
    import numpy as np

    options = {**_OPTIONS, "seed": seed, "min_data_in_leaf": max(2, len(rows) // 20)}
    data = lightgbm.Dataset(np.array(rows, dtype=float), np.array(values, dtype=float), free_raw_data=False)
    booster = lightgbm.train(options, data, num_boost_round=ROUNDS)
    return tuple(tree_of(one["tree_structure"]) for one in booster.dump_model()["tree_info"])
