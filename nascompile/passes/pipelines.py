"""The order of the passes, written down once. Every pass is a function Graph -> Graph on flat graphs."""

from __future__ import annotations

from collections.abc import Callable

from nascompile.ir.program import Graph
from nascompile.passes.drop_identity import drop_identity
from nascompile.passes.flatten import flatten
from nascompile.passes.fold_gates import fold_gates
from nascompile.passes.join_convolutions import join_convolutions
from nascompile.passes.merge_parallel import merge_parallel
from nascompile.passes.merge_sums import merge_sums
from nascompile.passes.merge_vectors import merge_vectors
from nascompile.passes.prune_dead import prune_dead
from nascompile.passes.share_equal import share_equal

Pass = Callable[[Graph], Graph]

FIXED: tuple[Pass, ...] = (
    flatten,  # first: the others see the whole network
    prune_dead,  # before the rest: nothing below wants to look at what is never run
    drop_identity,  # before sharing: equal inputs are then the same value
    share_equal,
    prune_dead,  # what sharing and dropping left behind
)

MERGED: tuple[Pass, ...] = (
    merge_vectors,  # after sharing, which gives gates of one state one input
    merge_parallel,  # it looks for whole candidates
    fold_gates,  # behind both: they do not know mixtures with factors
    merge_sums,  # behind those that look for mixtures: it takes them away
    join_convolutions,  # last: it looks for norms in sums
)
"""Behind `FIXED`: candidates of one state become one computation."""

SUPERNET: tuple[Pass, ...] = (*FIXED, *MERGED)


def run(graph: Graph, pipeline: tuple[Pass, ...], without: frozenset[str] = frozenset()) -> Graph:
    """Apply a pipeline; passes named in `without` are left out (`flatten` is always applied)."""
    for step in pipeline:
        if step.__name__ not in without or step is flatten:
            graph = step(graph)
    return graph
