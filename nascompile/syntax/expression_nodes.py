"""The nodes of expressions. Import them from `nodes`, which has the whole tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from nascompile.source import NOWHERE, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


# --- expressions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name(Node):
    id: str


@dataclass(frozen=True, slots=True)
class Number(Node):
    """`text` is the literal as written (`1e-3`, `0.10`), `value` its int or float."""

    value: int | float
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Quantity(Node):
    """A number with a unit: `4M`, `20 ms`, `80 epochs`. `unit` is normalised to the singular (`epoch`, `month`)."""

    value: int | float
    unit: str
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class String(Node):
    value: str


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Absent(Node):
    """The keyword `absent`."""


@dataclass(frozen=True, slots=True)
class Star(Node):
    """`*` as an index (`edge[b, *, *]`), or `*s` in a shape pattern when `name` is set."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class List(Node):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Generator(Node):
    """`i in 0 ..< n`; `targets` is one name, or `[a, b]` to unpack."""

    target: str
    domain: Expr


@dataclass(frozen=True, slots=True)
class Comprehension(Node):
    """`[element for i in range, j in range if condition]`."""

    element: Expr
    generators: tuple[Generator, ...]
    condition: Expr | None


@dataclass(frozen=True, slots=True)
class Range(Node):
    """`a .. b` (inclusive) or `a ..< b`; `stop` is None in `s[2 ..]`."""

    start: Expr
    stop: Expr | None
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """op: + - * / // % ^ == != < <= > >= in `not in` and or."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """op: `-`, `not`; in a shape pattern `*`: `*window(s, k)` stands for several axes."""

    op: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """`then if condition else orelse`; without else the value is absent (in a list: the slot is removed)."""

    condition: Expr
    then: Expr
    orelse: Expr | None


@dataclass(frozen=True, slots=True)
class Argument(Node):
    """`value` or `name = value`."""

    name: str | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`f(a, b; c, d = 1)`: tensors before `;`, numbers and options after it. `split` is None without a `;`,
    else the number of arguments before it."""

    callee: Expr
    arguments: tuple[Argument, ...]
    split: int | None


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`f[i, j]`, `edge[b, *, *]`, `s[2 ..]`."""

    base: Expr
    indices: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`base.name` (`onnxruntime.cpu`)."""

    base: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Maybe(Node):
    """`f[i]?`: the value, or absent."""

    base: Expr


@dataclass(frozen=True, slots=True)
class Fresh(Node):
    """`fresh cell(...)`: this instance has decisions of its own."""

    call: Expr


@dataclass(frozen=True, slots=True)
class Pipe(Node):
    """`a -> b -> c`, two or more stages."""

    stages: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Attributes(Node):
    """What may follow a pick or a via: `relax R`, `decode D`, `tied T[i, j]`, `never L`, `as NAME`."""

    relax: str | None = None
    decode: str | None = None
    tied: Expr | None = None
    never: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Pick(Node):
    """`pick one of X`, `pick some of X`, `pick 2 of X` (`count` is then an expression)."""

    count: Literal["one", "some"] | Expr
    source: Expr
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Via(Node):
    """`value via operators attributes`: an edge that applies one of the operators."""

    value: Expr
    operators: Expr
    attributes: Attributes


Expr = (
    Name | Number | Quantity | String | Boolean | Absent | Star | List | Comprehension | Range | Binary | Unary
    | Conditional | Call | Index | Member | Maybe | Fresh | Pipe | Pick | Via
)  # fmt: skip
