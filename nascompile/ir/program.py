"""Programs: hierarchical graphs of layers, calls and decisions. Everything is immutable once built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nascompile.ir.symbols import Sym
from nascompile.source import Span

Dim = int | Sym | None
"""An axis length: a number, an expression over decisions, or unknown (None: only behind an absent value)."""

Attr = Any
"""A layer argument: number, boolean, word, or a tuple of them."""


@dataclass(frozen=True, slots=True)
class TensorType:
    """Axes of one sample, channels first: `(channels, *spatial)`; a vector has no spatial axes. No batch axis."""

    axes: tuple[Dim, ...]

    @property
    def channels(self) -> Dim:
        return self.axes[0]

    @property
    def spatial(self) -> tuple[Dim, ...]:
        return self.axes[1:]

    def __str__(self) -> str:
        return "[" + ", ".join("?" if a is None else str(a) for a in self.axes) + "]"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a node came from: its own text, and the calls that led there, innermost first."""

    span: Span
    calls: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Weight:
    """A named tensor of a layer, with its axes. Buffers (running statistics) are not parameters."""

    name: str
    shape: tuple[Dim, ...]
    is_buffer: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class LayerNode:
    """One tensor operation. `inputs` and `outputs` are value ids of the enclosing graph.

    `path` is relative to the graph; weights of nodes with equal absolute paths are one tensor (`module`).
    `sizes_like` is the value whose spatial size the attribute `to` was taken from, if any (dynamic shapes).
    `guard`: the node exists where this holds. `is_dead`: registered, never run.
    """

    layer: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attrs: Mapping[str, Attr]
    weights: tuple[Weight, ...]
    macs: Any
    path: str
    origin: Origin
    guard: Any = True
    sizes_like: int | None = None
    is_dead: bool = False
    measures: Mapping[str, Any] = field(default_factory=dict)
    extern: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CallNode:
    """An instance of a graph that was elaborated once for its argument types."""

    graph: Graph
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    path: str
    origin: Origin
    guard: Any = True
    is_dead: bool = False


SCALED = ""


@dataclass(frozen=True, slots=True, eq=False)
class MixNode:
    """An undecided `pick one` of operators: `inputs[k]` is what candidate `labels[k]` computes.

    The label `SCALED` marks inputs whose weight was applied upstream; candidates that are zero may be missing.
    After the pass `fold_gates`, candidate `k` is `inputs[k]` times the vector `inputs[factors[k]]`, where that is not
    None; the vectors follow the candidates in `inputs`.
    """

    decision: str
    labels: tuple[str, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    path: str
    origin: Origin
    guard: Any = True
    factors: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class GateNode:
    """An undecided edge: the input times the weight of slot `label`, absent where a genotype drops it."""

    decision: str
    label: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    path: str
    origin: Origin
    guard: Any = True


@dataclass(frozen=True, slots=True, eq=False)
class PhiNode:
    """`inputs[0]` where `condition` holds, else `inputs[1]` (elastic depth, conditional projections)."""

    condition: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    path: str
    origin: Origin
    guard: Any = True


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """One convolution of a `ParallelNode`: a dense one, or a depthwise one with the pointwise one behind it.

    `decision` and `label` say which mixture weight scales it.
    """

    layers: tuple[LayerNode, ...]
    decision: str
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class ParallelNode:
    """Convolutions of one input computed as one, normalised, scaled by their mixture weights, activated and summed.

    Branch `n` is added to `outputs[owners[n]]`; dense branches come first. Made by the pass `merge-parallel`;
    `norm_groups` are those of one branch.
    """

    layer: str
    attrs: Mapping[str, Attr]
    branches: tuple[Branch, ...]
    owners: tuple[int, ...]
    norm_groups: int
    is_activated: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    path: str
    origin: Origin
    guard: Any = True


@dataclass(frozen=True, slots=True, eq=False)
class StackedNode:
    """Equal chains of layers on one vector, computed as one: `chains[n]` gives `outputs[n]`.

    Made by the pass `merge_vectors`. Chains start with a `linear`; the layers at one place of all chains differ only
    in their weights.
    """

    chains: tuple[tuple[LayerNode, ...], ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    path: str
    origin: Origin
    guard: Any = True


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A summand of a `SumNode`: `norm` of the value, if any, times the weights of the slots in `factors`.

    `gates` are those of them that belong to edges: the summand is absent where a genotype drops one. `branch` (k, n):
    it is of the k-th of n equal parts of the value's channels (a `JoinedNode` computes them).
    """

    norm: LayerNode | None
    factors: tuple[tuple[str, str], ...]
    gates: tuple[tuple[str, str], ...] = ()
    branch: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SumNode:
    """The sum of `terms[n]` of `inputs[n]`: mixtures, edges and the sum behind them as one. Made by `merge_sums`."""

    terms: tuple[Term, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    path: str
    origin: Origin
    guard: Any = True


@dataclass(frozen=True, slots=True, eq=False)
class JoinedNode:
    """Chains of one or two convolutions of one input computed as one convolution, their channels in a row.

    Made by the pass `join_convolutions`; `attrs` are those of the one convolution.
    """

    chains: tuple[tuple[LayerNode, ...], ...]
    attrs: Mapping[str, Attr]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    path: str
    origin: Origin
    guard: Any = True


Node = LayerNode | CallNode | MixNode | GateNode | PhiNode | ParallelNode | StackedNode | SumNode | JoinedNode


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Nodes in topological order. `types[id]` is the type of value `id`; outputs are named."""

    name: str
    inputs: tuple[int, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[tuple[str, int], ...]
    types: tuple[TensorType, ...]
    presence: tuple[Any, ...] = ()


Relax = Literal["softmax", "bernoulli", "none"]
Decode = Literal["likeliest", "top", "gain", "all"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A choice that a genotype makes, with how it is relaxed and decoded, as data.

    kind `op`: one of `candidates` (labels). kind `edges`: a subset of `candidates` with `count` members, or at least
    one when `count` is None. kind `number`: one of `candidates` (numbers), or a real in `interval`.
    `never`: candidates of the supernet that no genotype keeps. `parent` is the (path, label) of the decision that
    must take `label` for this one to exist; `guard` any other condition of existence.
    `tied` names the architecture parameters; decisions of equal `tied` share them. `operators` is the name of the list
    that an `op` picks from, where it has one.
    """

    path: str
    kind: Literal["op", "edges", "number"]
    candidates: tuple[Any, ...]
    origin: Origin
    count: int | None = 1
    interval: tuple[float, float] | None = None
    never: frozenset[str] = frozenset()
    relax: Relax = "softmax"
    decode: Decode = "likeliest"
    tied: str | None = None
    parent: tuple[str, str] | None = None
    guard: Any = True
    slot: bool = False
    operators: str | None = None

    @property
    def parameters(self) -> str:
        """The name of the architecture parameters of this decision."""
        return self.tied or self.path


@dataclass(frozen=True, slots=True)
class Constraint:
    """A `where` of the space: `condition` holds for every legal genotype."""

    condition: Any
    origin: Origin
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """An elaborated space (decisions open) or network (all bound).

    `limits` are the constraints that mention a cost of the network (`symbols.COSTS`), as well as decisions.
    """

    name: str
    graph: Graph
    decisions: Mapping[str, Decision]
    constraints: tuple[Constraint, ...]
    input: TensorType
    is_fixed: bool
    arguments: Mapping[str, Any] = field(default_factory=dict)
    limits: tuple[Constraint, ...] = ()
