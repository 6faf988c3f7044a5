"""What expressions evaluate to while a text is elaborated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nascompile.ir.program import TensorType
from nascompile.source import Span
from nascompile.syntax import nodes as ast


class Poisoned(Exception):
    """A value that an already reported error made unusable; silences what depends on it."""


class Poison:
    """The value of a name whose definition failed."""


POISON = Poison()


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value of the graph under construction. `presence` is True, or the condition under which it exists."""

    id: int
    type: TensorType
    presence: Any = True


@dataclass(frozen=True, slots=True)
class Absent:
    """No tensor; `type` holds what is known of the axes it would have had.

    `undecided` is the operator decision, and the value it would be applied to, that the genotype leaves out.
    """

    type: TensorType | None = None
    undecided: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Multiple:
    """The outputs of a layer with several."""

    tensors: tuple[Tensor, ...]


class SizeOf(tuple[Any, ...]):
    """The spatial axes of a tensor, remembering whose (so that an export keeps them dynamic)."""

    source: Tensor | None

    def __new__(cls, axes: tuple[Any, ...], source: Tensor | None) -> SizeOf:
        self = super().__new__(cls, axes)
        self.source = source
        return self


@dataclass(frozen=True, slots=True)
class RangeOf:
    """`a .. b`: integers (inclusive of `high`), or reals when an end is written as one."""

    low: Any
    high: Any

    @property
    def is_real(self) -> bool:
        """Whether an end is written as a real."""
        return isinstance(self.low, float) or isinstance(self.high, float)

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.low, self.high + 1))


@dataclass(frozen=True, slots=True)
class Entry:
    """An element of a list of tensors or edges. `key` is its index where it came from a family."""

    value: Any
    label: str
    span: Span
    key: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """A list that holds tensors, edges or operators. `decision` is set when a pick selected them."""

    entries: tuple[Entry, ...]
    decision: str | None = None


@dataclass(slots=True)
class Family:
    """`name[i, j]`: values by integer index, each assigned once."""

    name: str
    values: dict[tuple[int, ...], Any] = field(default_factory=dict)
    spans: dict[tuple[int, ...], Span] = field(default_factory=dict)


class Scope:
    """Names of a body, with those of the enclosing ones behind."""

    __slots__ = ("names", "parent")

    def __init__(self, parent: Scope | None = None):
        self.names: dict[str, Any] = {}
        self.parent = parent

    def find(self, name: str) -> Scope | None:
        """The innermost scope that has a name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope
            scope = scope.parent
        return None

    def all_names(self) -> set[str]:
        """Every name in sight."""
        names = set(self.names)
        return names if self.parent is None else names | self.parent.all_names()


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """`f(d) = ...`: a function of numbers, with the scope it was written in."""

    name: str
    parameters: tuple[ast.Parameter, ...]
    body: ast.Expr
    scope: Scope


@dataclass(frozen=True, slots=True)
class LayerOperator:
    """A layer with its arguments, waiting for tensors."""

    declaration: ast.LayerDecl
    arguments: tuple[tuple[str, Any], ...]
    span: Span
    sizes_like: Tensor | None = None

    @property
    def name(self) -> str:
        return self.declaration.name


@dataclass(frozen=True, slots=True, eq=False)
class OpOperator:
    """An op or a cell with its arguments, waiting for tensors. `cell` is the name its decisions live under."""

    declaration: ast.OpDecl
    arguments: tuple[tuple[str, Any], ...]
    span: Span
    cell: str | None = None
    is_fresh: bool = False

    @property
    def name(self) -> str:
        return self.cell or self.declaration.name


@dataclass(frozen=True, slots=True)
class Chain:
    """Operators in a row."""

    stages: tuple[Any, ...]
    span: Span
    name: str = "chain"


@dataclass(frozen=True, slots=True)
class Alternative:
    """`a if condition else b` between operators where only a genotype knows the condition."""

    condition: Any
    then: Any
    orelse: Any
    span: Span
    name: str = "alternative"


@dataclass(frozen=True, slots=True, eq=False)
class SharedOperator:
    """`module f = ...`: every application uses the weights under `path`. `owner` is the frame of its body."""

    operator: Any
    path: str
    span: Span
    name: str
    owner: Any


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """`ops` with its arguments: labelled alternatives, evaluated in `scope` once the tensor is known."""

    declaration: ast.OpsDecl
    arguments: tuple[tuple[str, Any], ...]
    span: Span


@dataclass(frozen=True, slots=True, eq=False)
class PickedOperator:
    """`pick one of OPS`, waiting for its tensor."""

    source: Any
    labels: tuple[str, ...]
    path: str
    attributes: ast.Attributes
    tied: str | None
    span: Span
    name: str = "pick"


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """`value via operators`: one slot of an edge decision."""

    value: Any
    operators: Any
    attributes: ast.Attributes
    tied: str | None
    span: Span


Operator = LayerOperator | OpOperator | Chain | Alternative | SharedOperator | PickedOperator

OPERATORS = (LayerOperator, OpOperator, Chain, Alternative, SharedOperator, PickedOperator)


def describe(value: Any) -> str:
    """A word for a value in a message."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return f"the number {value}"
    names: Mapping[type, str] = {
        Tensor: "a tensor",
        Absent: "an absent value",
        SizeOf: "a size",
        tuple: "a list of numbers",
        Items: "a list",
        Family: "an indexed name",
        Function: "a function",
        Candidates: "a list of operators",
        Edge: "an edge",
        str: "a word",
        RangeOf: "a range",
        Multiple: "several tensors",
    }
    for kind, word in names.items():
        if isinstance(value, kind):
            return word
    return "an operator" if isinstance(value, OPERATORS) else "a number that the genotype decides"
