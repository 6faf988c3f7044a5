"""What a strategy says about candidates, for a supernet and its space: which are dropped out, which are sampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nascompile.backends.supernet import Supernet
from nascompile.config.constants import Choice
from nascompile.diagnostics import did_you_mean, error
from nascompile.search.oneshot.dropout import Dropout, make_dropout, none
from nascompile.search.oneshot.paths import SampledPaths, path_draws
from nascompile.space.space import SearchSpace


def candidate_dropout(supernet: Supernet, options: Mapping[str, Any]) -> Dropout:
    """Tell a supernet which candidates the options `dropped` and `candidate_dropout` of a strategy mean.

    Returns the schedule of the probability. Raises NasError (`not-a-candidate`).
    """
    found = options.get("candidate_dropout")
    if found is None:
        return none
    choice = Choice(found) if isinstance(found, str) else found
    slots = supernet.architecture.slots
    operators = {k: n for k, n in slots.items() if supernet.architecture.decisions[k[0]].kind == "op"}
    dropped = options.get("dropped") or "without_weights"
    if dropped == "all":
        supernet.drop_candidates(operators.values())
    elif dropped == "without_weights":
        supernet.drop_candidates(supernet.without_weights())
    else:
        labels = sorted({label for _, label in operators})
        for label in dropped:
            if label not in labels:
                hint = did_you_mean(label, labels) or f"there are {', '.join(labels)}"
                message = f"no operator of the space is called `{label}`"
                raise error("not-a-candidate", message, choice.span, hint=hint)
        supernet.drop_candidates(n for (_, label), n in operators.items() if label in dropped)
    return make_dropout(choice.name, choice.options, choice.span)


def sampled_paths(space: SearchSpace, options: Mapping[str, Any], seed: int) -> SampledPaths | None:
    """What the options `paths`, `path_steps` and `path_weights` of a strategy mean; None: the whole supernet trains."""
    count = options.get("paths")
    if count is None:
        return None
    draw = path_draws(space, count, seed)
    return SampledPaths(draw, options.get("path_steps", 1), options.get("path_weights", "relaxed"))
