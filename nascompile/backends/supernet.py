"""The supernet: every candidate at once, weighted by architecture parameters.

All weights live in one tensor, split into views once a step, so that an optimiser, gradient clipping and the merged
convolutions work on few large tensors instead of many small ones. The values are those of separate tensors.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nascompile.backends.architecture import Architecture
from nascompile.backends.layout import initial, layout_of, numbers, state_name
from nascompile.backends.paths import PathSteps, PathWeights
from nascompile.backends.steps import Step, Values, compile_node, finished_after
from nascompile.backends.sums import is_absent
from nascompile.backends.weights import torch_name
from nascompile.diagnostics import Diagnostic, Label, NasError
from nascompile.ir.program import GateNode, Graph, LayerNode, MixNode, Node, PhiNode, Program, SumNode
from nascompile.passes.flatten import flatten
from nascompile.passes.pipelines import FIXED, MERGED, run
from nascompile.semantics.relaxation import unrelaxable


class Supernet(nn.Module):
    """A search space as one differentiable network.

    `forward(x)` takes `(batch, channels, *spatial)` and returns a tensor, or a tuple in the order of
    `output_names`. `candidate_dropout` is the probability of dropping outputs of the candidates that `drop_candidates`
    chose. `architecture` holds the architecture parameters, `weights` all others, `running` the running
    statistics of batch norms and `extern` the layers of other packages.
    """

    weights: nn.Parameter
    _scale_index: Tensor
    _product_index: Tensor

    def __init__(self, program: Program, seed: int = 0, without: frozenset[str] = frozenset()):
        super().__init__()
        refuse_unrelaxable(program)
        plain = run(program.graph, FIXED, without)
        graph = run(plain, MERGED, without)
        self.output_names = tuple(name for name, _ in graph.outputs)
        self.architecture = Architecture(program.decisions, seed)
        self.graph = graph
        self.plain = plain
        self.absent: set[int] = set()
        self.dropped: frozenset[int] = frozenset()
        self.candidate_dropout = 0.0
        self._path: list[tuple[Step, list[int]]] | None = None
        self.layout = layout_of(graph)
        self.weights = nn.Parameter(initial(graph, self.layout, seed))
        self.running = _running(graph)
        self.extern = nn.ModuleDict()
        self.seed = seed
        self._compile()

    def forward(self, x: Tensor) -> Any:
        mixture = self.architecture()
        scalars = mixture.unbind(0)
        scales = [
            *torch.split(mixture.index_select(0, self._scale_index), self._scale_sizes),
            *torch.split(self._products(mixture), self._product_sizes),
        ]
        pieces = torch.split(self.weights, self.layout.sizes)
        weights = [p if len(s) == 1 else p.view(s) for p, s in zip(pieces, self.layout.shapes, strict=True)]
        values: Values = [None] * len(self.graph.types)
        values[self.graph.inputs[0]] = x
        if self._path is not None:
            for step, finished in self._path:
                step(values, weights, scalars, ())
                for value in finished:
                    values[value] = None
            return self._outputs(values)
        self.absent = set()
        for node, step, finished in zip(self.graph.nodes, self._steps, self._finished, strict=True):
            if self.architecture.kept is not None:
                self._mark_absent(node, values)
            step(values, weights, scalars, scales)
            for value in finished:
                values[value] = None
        return self._outputs(values)

    def _outputs(self, values: Values) -> Any:
        outputs = tuple(values[v] for _, v in self.graph.outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def follow(self, values: Mapping[str, Any] | None, weights: PathWeights = "relaxed") -> None:
        """Compute only what the genotype of these values keeps, until told otherwise; None: everything again.

        A part costs what its own network costs. With `relaxed` weights what is kept has the weight that it has among
        all candidates, without renormalisation; with `one` it has weight 1, as in a network of its own. What the
        genotype drops gets a zero gradient.
        """
        self._path = None if values is None else self._paths.of(values, weights)

    def drop_candidates(self, slots: Iterable[int]) -> None:
        """Choose the candidates (by `architecture.slots`) whose outputs `candidate_dropout` drops in training."""
        self.dropped = frozenset(slots)
        self._compile()

    def without_weights(self) -> frozenset[int]:
        """Slots of the candidate operators that hold no weights: skip connections and pools."""
        owners = [n.path for n in self.plain.nodes if isinstance(n, LayerNode) and (n.weights or n.extern)]
        found = set()
        for node in self.plain.nodes:
            if isinstance(node, MixNode):
                base = node.path.removesuffix("mix")
                for label in node.labels:
                    path = base + label
                    if not any(o == path or o.startswith(f"{path}.") for o in owners):
                        found.add(self.architecture.slots[node.decision, label])
        return frozenset(found)

    def _products(self, mixture: Tensor) -> Tensor:
        """The coefficients of all sums: products of the weights on the way to each summand."""
        if self._product_index.numel() == 0:
            return mixture[:0]
        ones = torch.cat([mixture, mixture.new_ones(1)])
        first, *rest = ones.index_select(0, self._product_index).view(self._product_rows, -1).unbind(0)
        for other in rest:
            first = first * other
        return first

    def _mark_absent(self, node: Node, values: Values) -> None:
        """Under a restriction, note which outputs of a node the genotype's network does not have.

        They are computed all the same, for their sizes, but what merges them with values that exist gets zeros: a
        norm's shift would otherwise stand where the genotype has nothing.
        """
        absent = self.absent
        if isinstance(node, SumNode):
            if is_absent(self, node):
                absent.update(node.outputs)
            return
        if isinstance(node, GateNode):
            kept = self.architecture.kept
            if node.inputs[0] in absent or (kept and not kept[self.architecture.slots[node.decision, node.label]]):
                absent.update(node.outputs)
            return
        missing = [i for i in node.inputs if i in absent]
        is_merge = isinstance(node, LayerNode) and node.layer in ("add", "concat")
        if is_merge and len(missing) < len(node.inputs):
            for i in missing:
                values[i] = torch.zeros_like(values[i])
        elif missing:
            absent.update(node.outputs)

    def weight_parameters(self) -> list[nn.Parameter]:
        """The parameters that the weight optimiser trains."""
        return [self.weights, *self.extern.parameters()]

    def architecture_parameters(self) -> list[nn.Parameter]:
        """The parameters that the architecture optimiser trains."""
        return [self.architecture.logits]

    def named_weights(self) -> dict[str, Tensor]:
        """Weights and running statistics by the name that they have in a fixed network, as views.

        `skip[2].s[0].conv` of the text is `skip_2.s_0.conv.weight` here and in every network that keeps it.
        """
        flat = self.weights.detach()
        found = {e.name: flat[e.start : e.stop].view(e.shape) for e in self.layout.entries()}
        found.update(self.running.named_buffers())
        for name, module in self.extern.items():
            found.update({f"{name.replace(_DOT, '.')}.{key}": value for key, value in module.state_dict().items()})
        return found

    def load_named_weights(self, weights: Mapping[str, Tensor]) -> list[str]:
        """Copy weights of equal name and shape; returns the names that found none."""
        missing = []
        with torch.no_grad():
            for name, target in self.named_weights().items():
                source = weights.get(name)
                if source is None or source.shape != target.shape:
                    missing.append(name)
                else:
                    target.copy_(source)
        return missing

    def scale(self, slots: list[int]) -> int:
        """Ask for the mixture weights of some slots as one tensor; returns its place among the scales of a step."""
        self._scale_slots.append(slots)
        return len(self._scale_slots) - 1

    def coefficients(self, factors: Sequence[Sequence[tuple[str, str]]]) -> int:
        """Ask for products of mixture weights, each over the slots of some candidates and edges, as one tensor;
        returns its place among the scales of a step, counted from their end until all have asked."""
        self._product_slots.append([[self.architecture.slots[f] for f in each] for each in factors])
        return len(self._product_slots) - 1 - self._sum_count

    def layer(self, path: str, module: nn.Module) -> nn.Module:
        """Register the module of a layer that has no function; its applications share the first one."""
        name = torch_name(path).replace(".", _DOT)
        if name not in self.extern:
            self.extern[name] = module
        return self.extern[name]

    def _compile(self) -> None:
        self._scale_slots: list[list[int]] = []
        self._product_slots: list[list[list[int]]] = []
        self._sum_count = sum(isinstance(node, SumNode) for node in self.graph.nodes)
        self._steps = [compile_node(self, node, self.graph) for node in self.graph.nodes]
        self._finished = finished_after(self.graph.nodes, [v for _, v in self.graph.outputs])
        self._paths = PathSteps(self, self.plain)
        self._path = None
        self._scale_sizes = [len(slots) for slots in self._scale_slots]
        index = torch.tensor([n for slots in self._scale_slots for n in slots], dtype=torch.long)
        self._product_sizes = [len(products) for products in self._product_slots]
        products = [each for of_sum in self._product_slots for each in of_sum]
        self._product_rows = max((len(each) for each in products), default=1) or 1
        one = len(self.architecture.slots)
        padded = [[*each, *[one] * (self._product_rows - len(each))] for each in products]
        rows = torch.tensor(padded, dtype=torch.long).view(-1, self._product_rows).t().flatten()
        self.register_buffer("_product_index", rows.to(self.weights.device), persistent=False)
        self.register_buffer("_scale_index", index.to(self.weights.device), persistent=False)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in _CLOSURES}  # they hold this very module

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._compile()

    def __deepcopy__(self, memo: dict[int, Any]) -> Supernet:
        twin = self.__class__.__new__(self.__class__)
        memo[id(self)] = twin
        for shared in (self.graph, self.plain, self.layout, self.architecture.decisions):  # never changed
            memo[id(shared)] = shared
        twin.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return twin


_CLOSURES = frozenset({"_steps", "_path", "_paths"})

_DOT = "__"
"""Stands for a dot in the keys of a ModuleDict."""


def build_supernet(program: Program, seed: int = 0, without: frozenset[str] = frozenset()) -> Supernet:
    """The supernet of an open program. Raises NasError `cannot-relax` for decisions without a mixture.

    Passes named in `without` are left out (tests compare).
    """
    return Supernet(program, seed, without)


def refuse_unrelaxable(program: Program) -> None:
    """Raise for decisions that no mixture can express: numbers that change sizes or widths, conditional structure."""
    problems = unrelaxable(program)
    if not problems:
        for node in flatten(program.graph).nodes:
            if isinstance(node, PhiNode):
                message = f"what `{node.path}` is depends on `{node.condition}`; a mixture cannot choose between them"
                problems.append(Diagnostic("cannot-relax", message, Label(node.origin.span)))
    if problems:
        raise NasError(problems[:20])


def _running(graph: Graph) -> nn.Module:
    """Running means (0) and variances (1) of the batch norms, under their paths."""
    root = nn.Module()
    for node in graph.nodes:
        if not isinstance(node, LayerNode):
            continue
        for weight in node.weights:
            if weight.is_buffer:
                *words, last = state_name(f"{node.path}.{weight.name}").split(".")
                place = root
                for word in words:
                    if word not in place._modules:
                        place.add_module(word, nn.Module())
                    place = place._modules[word]  # type: ignore[assignment]
                shape = numbers(weight.shape)
                place.register_buffer(last, torch.ones(shape) if weight.name == "var" else torch.zeros(shape))
    return root
