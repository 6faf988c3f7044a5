"""Peak memory of a network by liveness: every tensor from the layer that makes it to the last one that needs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Literal

from nascompile.diagnostics import error
from nascompile.ir.program import Dim, Graph, LayerNode, Program
from nascompile.passes.pipelines import FIXED, run
from nascompile.profile.cost import parameters, weights
from nascompile.profile.kernels_memory import (
    DROPOUTS,
    INDEX_BYTES,
    SAVED_INPUT,
    SAVED_OUTPUT,
    SHARED_GRADIENT,
    VIEWS,
    Workspace,
    workspace,
)

DTYPES = {"float32": 4, "float64": 8, "float16": 2, "bfloat16": 2}
"""Bytes of an element."""

STATES = {"none": 0, "sgd": 0, "momentum": 1, "adam": 2}
"""Tensors of a parameter's size that an optimiser keeps."""


@dataclass(frozen=True, slots=True)
class PeakMemory:
    """Bytes. `resident` are there all the time: weights, running statistics, the input, the optimiser's state.
    `transient` is the most that is held beyond them at once, reached at the layer `at` (of the backward pass if
    `is_backward`)."""

    resident: int
    transient: int
    at: str
    is_backward: bool = False

    @property
    def total(self) -> int:
        """All bytes at the peak."""
        return self.resident + self.transient


def peak_memory(
    program: Program,
    *,
    is_training: bool = False,
    batch: int = 1,
    dtype: Literal["float32", "float64", "float16", "bfloat16"] = "float32",
    optimiser: Literal["none", "sgd", "momentum", "adam"] = "none",
    with_workspace: bool = True,
) -> PeakMemory:
    """The peak of a genotype's network: one evaluation of `batch` images, or one step of training.

    Training is a forward pass, the backward pass from a gradient of every output, and the gradients of all weights,
    which stay. `with_workspace` counts what torch's CPU kernels hold beside their tensors; without, the figure is the
    lower bound that no order-keeping implementation without in-place operations goes below. Raises NasError
    (`not-decided`) for a program with open decisions.
    """
    graph = run(program.graph, FIXED)
    if program.decisions and not all(isinstance(node, LayerNode) for node in graph.nodes):
        hint = "give a genotype, not a space"
        raise error("not-decided", f"the memory of `{program.name}` depends on its decisions", hint=hint)
    simulation = _Simulation(graph, batch, with_workspace)
    simulation.forward(is_training)
    if is_training:
        simulation.backward()
    size = DTYPES[dtype]
    params = parameters(graph)
    buffers = sum(_product(w.shape) for w in weights(graph).values() if w.is_buffer)
    image = batch * _product(program.input.axes)
    resident = params + buffers + image + params * STATES[optimiser]
    return PeakMemory(resident * size, int(simulation.peak * size), simulation.at, simulation.is_backward)


def _product(axes: Iterable[Dim]) -> int:
    return prod([a for a in axes if isinstance(a, int)])


@dataclass(slots=True, eq=False)
class _Storage:
    """Memory with the number of holders; it is freed when the last one lets go."""

    size: float
    holders: int = 1


@dataclass(slots=True)
class _Simulation:
    """One run of a flat graph; sizes are elements."""

    graph: Graph
    batch: int
    with_workspace: bool
    held: float = 0
    peak: float = 0
    at: str = ""
    is_backward: bool = False
    _values: dict[int, _Storage] = field(default_factory=dict)
    _saved: list[tuple[LayerNode, list[_Storage]]] = field(default_factory=list)
    _weighted: set[str] = field(default_factory=set)

    def forward(self, is_training: bool) -> None:
        """Run the layers in order; values go when their last reader is done."""
        last: dict[int, int] = {}
        for number, node in enumerate(self._layers()):
            for value in (*node.inputs, *(() if node.sizes_like is None else (node.sizes_like,))):
                last[value] = number
        kept = {value for _, value in self.graph.outputs}
        for value in self.graph.inputs:
            self._values[value] = _Storage(0, 2)  # the caller holds it
        for number, node in enumerate(self._layers()):
            self._run(node, is_training)
            read = {*node.inputs, *node.outputs, *(() if node.sizes_like is None else (node.sizes_like,))}
            for value in read:
                if last.get(value, number) <= number and value not in kept:
                    self._free(self._values[value])

    def backward(self) -> None:
        """Run the layers backwards; what was saved goes when its layer is done, gradients when they are used."""
        needing = self._needing()
        gradients: dict[int, _Storage] = {}
        for _, value in self.graph.outputs:
            gradients[value] = self._new(self._elements(value))
        for node, saved in reversed(self._saved):
            given = [gradients.pop(o) for o in node.outputs if o in gradients]
            wanted = [i for i in dict.fromkeys(node.inputs) if i in needing]
            if given and any(o in needing for o in node.outputs):
                self._reach(node, self._workspace(node).backward if wanted else 0, is_backward=True)
                if node.path not in self._weighted:
                    self._weighted.add(node.path)
                    self._new(sum(_product(w.shape) for w in node.weights if not w.is_buffer))
                for value in wanted:
                    self._hand_on(node, value, given[0], gradients)
                self._reach(node, 0, is_backward=True)
            for storage in (*given, *saved):
                self._free(storage)

    # --- within ---

    def _layers(self) -> list[LayerNode]:
        return [node for node in self.graph.nodes if isinstance(node, LayerNode)]

    def _run(self, node: LayerNode, is_training: bool) -> None:
        inputs = [self._values[i] for i in node.inputs]
        is_view = node.layer in VIEWS or (node.layer in DROPOUTS and (not is_training or node.attrs["p"] == 0))
        saved: list[_Storage] = []
        if is_view:
            inputs[0].holders += 1
            self._values[node.outputs[0]] = inputs[0]
        else:
            self._reach(node, self._workspace(node).forward)
            for output in node.outputs:
                self._values[output] = self._new(self._elements(output))
        if not is_training:
            return
        if node.layer in SAVED_INPUT:
            saved += inputs
        if node.layer in SAVED_OUTPUT:
            saved += [self._values[o] for o in node.outputs]
        for storage in saved:
            storage.holders += 1
        if node.layer == "max_pool":
            saved.append(self._new(self._elements(node.outputs[0]) * INDEX_BYTES / 4))
        if node.layer == "dropout" and not is_view:
            saved.append(self._new(self._elements(node.outputs[0])))
        self._saved.append((node, saved))

    def _hand_on(self, node: LayerNode, value: int, given: _Storage, gradients: dict[int, _Storage]) -> None:
        """The gradient of an input, added to what other readers of it have given."""
        if node.layer in SHARED_GRADIENT and (
            node.layer == "concat" or self._elements(value) == self._elements(node.outputs[0])
        ):
            given.holders += 1
            found = given
        else:
            found = self._new(self._elements(value))
        before = gradients.get(value)
        if before is None:
            gradients[value] = found
            return
        if before.holders == 1 and before.size == self._elements(value):  # added in place
            self._reach(node, 0, is_backward=True)
            self._free(found)
            return
        gradients[value] = self._new(self._elements(value))
        self._reach(node, 0, is_backward=True)
        self._free(found)
        self._free(before)

    def _needing(self) -> set[int]:
        """Values that weights take part in: the others get no gradient."""
        found: set[int] = set()
        for node in self._layers():
            has_weights = any(not w.is_buffer for w in node.weights)
            if node.layer != "zero" and (has_weights or not found.isdisjoint(node.inputs)):
                found.update(node.outputs)
        return found

    def _workspace(self, node: LayerNode) -> Workspace:
        inputs = [self._axes(i) for i in node.inputs]
        output = self._axes(node.outputs[0])
        if self.with_workspace:
            return workspace(node, inputs, output, self.batch)
        return Workspace(self._elements(node.outputs[0]), sum(self.batch * prod(a) for a in inputs))

    def _axes(self, value: int) -> tuple[int, ...]:
        return tuple(int(a) for a in self.graph.types[value].axes)  # type: ignore[arg-type]

    def _elements(self, value: int) -> int:
        return self.batch * prod(self._axes(value))

    def _new(self, size: float) -> _Storage:
        self.held += size
        self.peak = max(self.peak, self.held)
        return _Storage(size)

    def _free(self, storage: _Storage) -> None:
        storage.holders -= 1
        if storage.holders == 0:
            self.held -= storage.size

    def _reach(self, node: LayerNode, more: float, *, is_backward: bool = False) -> None:
        if self.held + more >= self.peak:
            self.peak, self.at, self.is_backward = self.held + more, node.path, is_backward
