"""What `profile` and `export` are about: a genotype of a text, or the network of a run with its trained weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nascompile.compilation import Compilation
from nascompile.config.constants import SpaceCall
from nascompile.data.task import Task
from nascompile.diagnostics import error
from nascompile.ir.program import Program
from nascompile.jobs.folder import GENOTYPE, WEIGHTS, read_front, read_genotype
from nascompile.jobs.programs import fixed_call, fixed_program
from nascompile.jobs.sizes import divisor
from nascompile.runs import Run, find
from nascompile.space.genotype import Genotype

if TYPE_CHECKING:
    from nascompile.backends.pytorch import Network
    from nascompile.jobs.networks import Inherited


@dataclass(frozen=True, slots=True)
class Target:
    """A network: its program, its genotype if it has one, the weights for it if there are any, a name for files."""

    name: str
    program: Program
    genotype: Genotype | None
    weights: Path | None
    digest: str
    folder: Path
    text: Compilation
    call: SpaceCall
    task: Task | None = None

    @property
    def unit(self) -> int:
        """What divides every legal image size."""
        return divisor(self.text, self.call, self.genotype, self.input)

    @property
    def input(self) -> tuple[int, ...]:
        """Channels and sizes."""
        return tuple(int(axis) for axis in self.program.input.axes if isinstance(axis, int))

    @property
    def outputs(self) -> list[str]:
        return [name for name, _ in self.program.graph.outputs]

    def network(self, seed: int = 0) -> tuple[Network, Inherited | None]:
        """The torch network; with the weights, and an account of them, where there are any."""
        from nascompile.jobs.networks import inherit, load_weights, make

        network = make(self.program, seed)
        if self.weights is None:
            return network, None
        return network, inherit(network, load_weights(self.weights)[0])


def of_run(
    root: Path, name: str | None, weights: Path | None = None, data: Path | None = None, member: str | None = None
) -> Target:
    """The network of a run, by default of the newest that has a genotype; `member` names one of its front.

    The run's weights are those of the genotype that it chose. Raises NasError.
    """
    run = find(root, name, having=() if name else (GENOTYPE,))
    text, genotype = read_genotype(run, data)
    is_own = True
    if member is not None:
        text, named = read_front(run, member, data)
        genotype, is_own = named, named == genotype
    record = run.record()
    task = text.task(search=record.get("search"), name=record.get("task"))
    own = run.path(WEIGHTS)
    program = fixed_program(text, genotype, task)
    return Target(
        member or run.name, program, genotype, weights or (own if is_own and own.exists() else None), _digest(run),
        run.folder, text, fixed_call(text, genotype, task), task,
    )  # fmt: skip


def _digest(run: Run) -> str:
    return str(run.record().get("digest", ""))


def of_text(
    text: Compilation,
    genotype: str | None,
    space: str | None = None,
    weights: Path | None = None,
    *,
    with_digest: bool = True,
) -> Target:
    """The network of a genotype, or of a space without decisions. Raises NasError.

    Without its digest, which takes longer than the rest, it is ready for everything but a run's record.
    """
    folder = Path()
    digest = text.digest_of(_only_search(text)) if with_digest else ""
    if genotype is None and (space is not None or not text.library.genotypes):
        call = text.call(space)
        if text.program(call).decisions:
            hint = "name one: `--genotype NAME`"
            raise error("missing-genotype", f"`{call.name}` is a space of many networks", call.span, hint=hint)
        program = text.program(call, binding={}, is_fixed=True)
        return Target(call.name, program, None, weights, text.digest_of(_only_search(text)), folder, text, call)
    made = text.genotype(genotype)
    name = genotype or text.genotype_declaration(None).name
    digest, call = text.digest_of(_only_search(text)), text.call_for(made)
    return Target(name, text.network(made), made, weights, digest, folder, text, call)


def _only_search(text: Compilation) -> str | None:
    return next(iter(text.library.searches)) if text.library.searches else None
