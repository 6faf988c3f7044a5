"""Scoring genotypes with the weights of a supernet that an earlier run trained, instead of training each.

One supernet trains the weights of all genotypes at once (Bender et al., ICML 2018; Guo et al., ECCV 2020, who also take
the statistics of batch norms anew for each subnet).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from nascompile.backends.inherit import inherit
from nascompile.backends.layout import numbers, state_name
from nascompile.backends.pytorch import Network
from nascompile.backends.supernet import refuse_unrelaxable
from nascompile.compilation import Compilation
from nascompile.config.search import SearchConfig
from nascompile.data.dataset import Patches, batch_at
from nascompile.data.task import Task
from nascompile.diagnostics import did_you_mean, error
from nascompile.ir.program import LayerNode, Program
from nascompile.ir.text import program_text
from nascompile.jobs.folder import reopen
from nascompile.jobs.networks import load_weights, make
from nascompile.jobs.programs import call_for_task, fixed_call, input_for
from nascompile.jobs.searching import SUPERNET
from nascompile.passes.pipelines import FIXED, run
from nascompile.runs import RECORD, Run, all_runs
from nascompile.source import Span
from nascompile.space.genotype import Genotype
from nascompile.space.space import SearchSpace
from nascompile.train.seed import derive

BATCHES = 8
"""Training batches from which a subnet's batch norms take their statistics."""


@dataclass(frozen=True, slots=True)
class Inheritance:
    """A supernet's weights: the run's name, the file, the SHA-256 of its bytes."""

    run: str
    path: Path
    digest: str

    def weights(self) -> dict[str, Tensor]:
        """The weights by name. Raises NasError (`study-of-another-search`) if the file is not as it was."""
        if digest_of(self.path) != self.digest:
            message = f"`{self.path}` has changed since the search began"
            raise error("study-of-another-search", message, hint="give the search another `--name`")
        return load_weights(self.path)[0]


def digest_of(path: Path) -> str:
    """The SHA-256 of a file. Raises NasError (`missing-file`)."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise error("missing-file", f"there is no weights file `{path}`") from None


def inheritance_of(
    text: Compilation, config: SearchConfig, task: Task, space: SearchSpace, root: Path
) -> Inheritance | None:
    """The supernet that `stage trial { inherit = ... }` names, found fit for `space`; None where it names none.

    It is the run of that name in the folder `root`, or the run's folder at that path relative to `root` or to the data.
    Raises NasError (`unknown-run`, `no-supernet`, `supernet-of-another-space`, `cannot-relax`, `unreadable-weights`).
    """
    if config.sampling is None or config.sampling.inherit is None:
        return None
    span = config.sampling.fields.spans.get("inherit")
    found = _run(config.sampling.inherit, root, text.data, span)
    path = found.path(SUPERNET)
    if not path.is_file():
        hint = "name the run of a finished search with `strategy = bilevel`"
        raise error("no-supernet", f"the run `{found.name}` has no `{SUPERNET}`", span, hint=hint)
    _require_same_space(found, text, config, task, span)
    refuse_unrelaxable(space.program)
    given = Inheritance(found.name, path, digest_of(path))
    _require_weights(space.program, given, span)
    return given


def _run(name: str, root: Path, data: Path, span: Span | None) -> Run:
    for folder in (root / name, data / name):
        if (folder / RECORD).is_file():
            return Run(folder)
    hint = did_you_mean(name, (r.name for r in all_runs(root))) or "`nascompile runs` lists them"
    raise error("unknown-run", f"there is no run `{name}` in `{root}`", span, hint=hint)


def _require_same_space(found: Run, text: Compilation, config: SearchConfig, task: Task, span: Span | None) -> None:
    """Compare both spaces, elaborated for this task's images; the size of the other's may be another."""
    other, search = reopen(found, text.data), found.record().get("search")
    call = call_for_task(other, other.search(search).space, other.task(search=search))
    theirs = other.program(call, input_for(task))
    if _meaning(theirs) != _meaning(text.program(call_for_task(text, config.space, task), input_for(task))):
        message = f"the supernet of `{found.name}` is of another space than this search's `{config.space.name}`"
        hint = f"the space, its arguments and the classes have to be those of `{found.path('spec.nas')}`"
        raise error("supernet-of-another-space", message, span, hint=hint)


def _meaning(program: Program) -> str:
    """A digest of the decisions and layers of a space, whether its arguments are written out or are the defaults."""
    return hashlib.sha256(program_text(program).partition("\n")[2].encode()).hexdigest()


def _require_weights(program: Program, given: Inheritance, span: Span | None) -> None:
    """Every weight of the (narrowed) space has to be in the file: a search in stages keeps a part of the operators."""
    weights = given.weights()
    nodes = [n for n in run(program.graph, FIXED).nodes if isinstance(n, LayerNode) and n.extern is None]
    wanted = {state_name(f"{n.path}.{w.name}"): (n.path, numbers(w.shape)) for n in nodes for w in n.weights}
    unfit = [path for name, (path, shape) in wanted.items() if name not in weights or weights[name].shape != shape]
    if unfit:
        more = f" and {len(unfit) - 1} other layers" if len(unfit) > 1 else ""
        message = f"the supernet of `{given.run}` has no weights of this shape for `{unfit[0]}`{more}"
        hint = "give this search the `narrowing` that the supernet was left with, and images of as many channels"
        raise error("supernet-of-another-space", message, span, hint=hint)


def subnet_program(text: Compilation, genotype: Genotype, task: Task) -> Program:
    """The program of a genotype's subnet: what a supernet keeps of it, affine norms and all."""
    return text.network(genotype, input_for(task), fixed_call(text, genotype, task).arguments, is_fixed=False)


def subnet(text: Compilation, genotype: Genotype, task: Task, weights: Mapping[str, Tensor], seed: int) -> Network:
    """The subnet of a genotype with the supernet's weights: what the supernet computes when every candidate that the
    genotype keeps weighs 1 and every other 0. Raises NasError (`supernet-of-another-space`)."""
    network = make(subnet_program(text, genotype, task), seed)
    found = inherit(network, weights)
    if found.missing or found.mismatched:
        name = (*found.missing, *found.mismatched)[0]
        raise error("supernet-of-another-space", f"the supernet has no weights of this shape for `{name}`")
    return network


def recalibrate(network: torch.nn.Module, train: Patches, batch: int, seed: int, device: torch.device) -> int:
    """Give batch norms the mean and variance of a network's own features, averaged over `BATCHES` training batches.

    Those of the supernet are of mixtures of all candidates. The batches depend on `seed` only. Leaves the network on
    `device` in evaluation mode; returns how many norms there are (with none, no batch is drawn).
    """
    network.to(device).eval()
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average
        norm.train()
    if norms:
        with torch.no_grad():
            for step in range(BATCHES):
                network(batch_at(train, batch, derive(seed, _BATCH_SEED), step).image.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
    return len(norms)


_BATCH_SEED = 11
"""Tells these batches from those of a training with the same seed."""


__all__ = ["BATCHES", "Inheritance", "digest_of", "inheritance_of", "recalibrate", "subnet"]
