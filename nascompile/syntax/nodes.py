"""The syntax tree: frozen dataclasses, each with a span. Equality ignores spans and comments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from nascompile.syntax.expression_nodes import (
    Absent,
    Argument,
    Attributes,
    Binary,
    Boolean,
    Call,
    Comprehension,
    Conditional,
    Expr,
    Fresh,
    Generator,
    Index,
    List,
    Maybe,
    Member,
    Name,
    Node,
    Number,
    Pick,
    Pipe,
    Quantity,
    Range,
    Star,
    String,
    Unary,
    Via,
)

__all__ = [
    "Absent",
    "Argument",
    "Assign",
    "Attributes",
    "Binary",
    "Boolean",
    "Call",
    "Candidate",
    "CellAlias",
    "Comment",
    "Comprehension",
    "Conditional",
    "ConstantDecl",
    "Declaration",
    "Expr",
    "For",
    "Fresh",
    "FunctionDecl",
    "Generator",
    "GenotypeDecl",
    "Import",
    "Index",
    "LayerDecl",
    "List",
    "Maybe",
    "Measure",
    "Member",
    "Module",
    "Name",
    "Node",
    "Number",
    "Objective",
    "OpDecl",
    "OpsDecl",
    "Outputs",
    "Parameter",
    "Pick",
    "Pipe",
    "Quantity",
    "Range",
    "Repeat",
    "Require",
    "Restrict",
    "SearchDecl",
    "ShapePattern",
    "ShapeRule",
    "Shared",
    "Stage",
    "Star",
    "Statement",
    "String",
    "TaskDecl",
    "Unary",
    "Unused",
    "Value",
    "Via",
    "WeightRule",
    "Where",
]

# --- statements --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """`target = value`; the target is a Name, an Index, a Member (in genotypes: `down.s[2]`) or a Call (a local
    function `f(d) = ...`)."""

    target: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Restrict(Node):
    """`target in [...]` in a `narrow`: the decision keeps only these values."""

    target: Expr
    values: Expr


@dataclass(frozen=True, slots=True)
class Value(Node):
    """An expression standing alone: the result of an op, cell or space."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Shared(Node):
    """`module f = EXPR`: one set of weights, applied several times."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Unused(Node):
    """`unused EXPR`: registered, never run."""

    value: Expr


@dataclass(frozen=True, slots=True)
class For(Node):
    generators: tuple[Generator, ...]
    condition: Expr | None
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Repeat(Node):
    """`repeat n in 1 .. 4 as i { }` (`count` the bound expression or None, `domain` the range or the number)."""

    target: Expr | None
    domain: Expr
    index: str
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Where(Node):
    condition: Expr


@dataclass(frozen=True, slots=True)
class Require(Node):
    condition: Expr
    message: str | None


@dataclass(frozen=True, slots=True)
class Measure(Node):
    """`measure ram = EXPR` on a layer, an op or a space."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Outputs(Node):
    """`outputs main = out, aux = extra if aux` or `outputs family`; the name is None for a bare expression."""

    items: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Stage(Node):
    """`stage NAME { fields }` in a search."""

    name: str
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Objective(Node):
    """`maximize dice` or `minimize latency(onnxruntime.cpu), params`."""

    direction: Literal["maximize", "minimize"]
    values: tuple[Expr, ...]


Statement = (
    Assign | Restrict | Value | Shared | Unused | For | Repeat | Where | Require | Measure | Outputs | Stage | Objective
)

# --- declarations ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """`c`, `stride = 1`, `x: image`, `mode: nearest | linear = nearest` (`kinds` then holds the words)."""

    name: str
    kinds: tuple[str, ...] = ()
    default: Expr | None = None


@dataclass(frozen=True, slots=True)
class ShapePattern(Node):
    """`[ch, *s]`: dims are Name, Number, Star(name) or any expression in outputs."""

    dims: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class ShapeRule(Node):
    """`shape [ch, *s], [c2, *s] -> [c, *f(s)]`; or `shape many x -> joined(x)` (`many` is then the name and
    `inputs` is empty; the output is an expression)."""

    inputs: tuple[ShapePattern, ...]
    many: str | None
    outputs: tuple[ShapePattern | Expr, ...]


@dataclass(frozen=True, slots=True)
class WeightRule(Node):
    """`weight w [c, ch // groups, *k] if bias`; `buffer` instead of `weight` for running statistics."""

    name: str
    shape: ShapePattern
    condition: Expr | None
    is_buffer: bool = False


@dataclass(frozen=True, slots=True)
class LayerDecl(Node):
    """One tensor operation: signature, shape, weights, multiply-accumulates and requirements as data.

    `extern` is an entry-point name for a layer whose torch row lives in an installed package.
    """

    name: str
    parameters: tuple[Parameter, ...]
    shape: ShapeRule
    weights: tuple[WeightRule, ...]
    macs: Expr | None
    measures: tuple[Measure, ...]
    requires: tuple[Require, ...]
    extern: str | None = None
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Candidate(Node):
    """One alternative of `ops`: `label: expression if condition`; without a label the expression's name is it."""

    label: str | None
    value: Expr
    condition: Expr | None


@dataclass(frozen=True, slots=True)
class OpsDecl(Node):
    name: str
    tensors: tuple[Parameter, ...]
    parameters: tuple[Parameter, ...]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class OpDecl(Node):
    """`op f(x; c) = EXPR` / `op f(c) { ... }`, `cell f(a, b; c) { ... }`, `space f(x: image; classes = 2) { ... }`.

    `tensors` are the parameters before `;`; an op without `;` has one implicit tensor, piped in (tensors empty).
    """

    kind: Literal["op", "cell", "space"]
    name: str
    tensors: tuple[Parameter, ...]
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    is_short: bool = False
    doc: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class CellAlias(Node):
    """`cell reduce = darts(stride = 2)`: a new cell with decisions of its own."""

    name: str
    value: Call


@dataclass(frozen=True, slots=True)
class FunctionDecl(Node):
    """`width(v) = c * 2 ^ v`: a function of numbers, at top level."""

    name: str
    parameters: tuple[Parameter, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class ConstantDecl(Node):
    """`NAME = EXPR` at top level."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class GenotypeDecl(Node):
    """`genotype NAME : space(args) { paths = values }`; `narrow` instead keeps sets."""

    kind: Literal["genotype", "narrow"]
    name: str
    space: Expr
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class TaskDecl(Node):
    """`task NAME { field = value ... }` or `task NAME = EXPR` (then `value`)."""

    name: str
    body: tuple[Statement, ...]
    value: Expr | None = None


@dataclass(frozen=True, slots=True)
class SearchDecl(Node):
    """`search NAME : space(args) on task { ... }`."""

    name: str
    space: Expr
    task: Expr
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Import(Node):
    """`import std.layers`."""

    path: tuple[str, ...]


Declaration = (
    LayerDecl | OpsDecl | OpDecl | CellAlias | FunctionDecl | ConstantDecl | GenotypeDecl | TaskDecl | SearchDecl
)


@dataclass(frozen=True, slots=True)
class Comment(Node):
    """`text` with its `#`; `own_line` is False for a comment behind code."""

    text: str
    own_line: bool


@dataclass(frozen=True, slots=True)
class Module(Node):
    version: int
    imports: tuple[Import, ...]
    declarations: tuple[Declaration, ...]
    comments: tuple[Comment, ...] = field(default=(), compare=False)
