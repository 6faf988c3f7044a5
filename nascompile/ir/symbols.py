"""Symbolic numbers: expressions over decisions whose value only a genotype knows.

A `Sym` is a small immutable expression tree. Widths, depths and conditions that depend on a picked number stay
symbolic in a search space and become plain numbers when a genotype binds the decisions.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import product
from typing import Any

Scalar = int | float | bool | str

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "^": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "floor": lambda a: math.floor(a),
    "ceil": lambda a: math.ceil(a),
    "round": lambda a: math.floor(a + 0.5),
    "int": int,
    "abs": abs,
    "min": min,
    "max": max,
    "log2": math.log2,
    "sqrt": math.sqrt,
    "cdiv": lambda a, b: -(-a // b),
    "divisible": lambda a, d: max(d, int(a + d / 2) // d * d) + (d if max(d, int(a + d / 2) // d * d) < 0.9 * a else 0),
}


COSTS = ("params", "macs", "activations")
"""What a `where` of a space may limit: live parameters, multiply-accumulates and activations of the retrained net."""


class Sym:
    """`op(args)`; leaves are `ref(path)` (a picked number), `kept(path, label)` and `is(path, label)` (booleans)."""

    __slots__ = ("_hash", "args", "op", "refs")

    def __init__(self, op: str, args: tuple[Any, ...]):
        self.op = op
        self.args = args
        self._hash = hash((op, args))
        if op in ("ref", "kept", "is"):
            self.refs: frozenset[str] = frozenset((args[0],))
        else:
            self.refs = frozenset().union(*(a.refs for a in args if isinstance(a, Sym)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Sym) and self._hash == other._hash and self.op == other.op and self.args == other.args

    def __bool__(self) -> bool:
        raise TypeError(f"the truth of `{self}` depends on the genotype")

    def __repr__(self) -> str:
        return f"Sym({self})"

    def __str__(self) -> str:
        if self.op == "ref":
            return str(self.args[0]).removeprefix("?")
        if self.op == "kept":
            return f"{self.args[1]} in {self.args[0]}"
        if self.op == "is":
            return f"{self.args[0]} == {self.args[1]}"
        if self.op == "if":
            return f"({self.args[1]} if {self.args[0]} else {self.args[2]})"
        if self.op in ("and", "or"):
            return "(" + f" {self.op} ".join(map(str, self.args)) + ")"
        if self.op in _BINARY:
            return f"({self.args[0]} {self.op} {self.args[1]})"
        return f"{self.op}({', '.join(map(str, self.args))})"


def cost(name: str) -> Sym:
    """A number that only the whole network of a genotype has. Its path `?params` is that of no decision."""
    return Sym("ref", (f"?{name}",))


def is_costly(condition: Any) -> bool:
    """Whether a condition mentions a cost."""
    return isinstance(condition, Sym) and any(path.startswith("?") for path in condition.refs)


def binary(op: str, a: Any, b: Any) -> Any:
    """`a op b`, folded when both are known."""
    if not isinstance(a, Sym) and not isinstance(b, Sym):
        return _BINARY[op](a, b)
    if op in ("==", "<=", ">=") and a == b:
        return True
    if op in ("!=", "<", ">") and a == b:
        return False
    if op == "*" and (a == 1 or b == 1):
        return b if a == 1 else a
    if op == "+" and (a == 0 or b == 0):
        return b if a == 0 else a
    if op == "%" and b == 1:
        return 0
    if op in ("-", "//") and b == (0 if op == "-" else 1) and not (op == "//" and isinstance(a, float)):
        return a
    return Sym(op, (a, b))


def call(name: str, *args: Any) -> Any:
    """A named function, folded when every argument is known."""
    if not any(isinstance(a, Sym) for a in args):
        return FUNCTIONS[name](*args)
    return Sym(name, args)


def negation(a: Any) -> Any:
    """Logical not."""
    if isinstance(a, Sym):
        return a.args[0] if a.op == "not" else Sym("not", (a,))
    return not a


def conjunction(*terms: Any) -> Any:
    """Logical and of any number of terms; True when empty."""
    return _join("and", terms, neutral=True)


def disjunction(*terms: Any) -> Any:
    """Logical or of any number of terms; False when empty."""
    return _join("or", terms, neutral=False)


def _join(op: str, terms: tuple[Any, ...], neutral: bool) -> Any:
    kept: list[Any] = []
    for term in terms:
        if isinstance(term, Sym):
            for part in term.args if term.op == op else (term,):
                if part not in kept:
                    kept.append(part)
        elif bool(term) is not neutral:
            return not neutral
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else Sym(op, tuple(kept))


def choose(condition: Any, then: Any, orelse: Any) -> Any:
    """`then if condition else orelse`."""
    if not isinstance(condition, Sym):
        return then if condition else orelse
    if type(then) is type(orelse) and then == orelse:
        return then
    if then is True and orelse is False:
        return condition
    return Sym("if", (condition, then, orelse))


def evaluate(value: Any, known: Mapping[Any, Any]) -> Any:
    """The number that `value` is under a genotype.

    `known` maps decision paths to picked values (edge decisions: a collection of kept labels) and may also map whole
    sub-expressions (`Sym`) to their values. Raises KeyError for a decision that it does not know.
    """
    if not isinstance(value, Sym):
        return value
    if value in known:
        return known[value]
    op, args = value.op, value.args
    if op == "ref":
        return known[args[0]]
    if op == "kept":
        return args[1] in known[args[0]]
    if op == "is":
        return known[args[0]] == args[1]
    if op == "and":
        return all(evaluate(a, known) for a in args)
    if op == "or":
        return any(evaluate(a, known) for a in args)
    if op == "not":
        return not evaluate(args[0], known)
    if op == "if":
        return evaluate(args[1] if evaluate(args[0], known) else args[2], known)
    numbers = [evaluate(a, known) for a in args]
    if op in _BINARY:
        return _BINARY[op](*numbers)
    if op == "neg":
        return -numbers[0]
    return FUNCTIONS[op](*numbers)


Domains = Mapping[str, tuple[Any, ...] | None]
"""Candidate values by decision path; None where they cannot be listed (reals, subsets)."""

_ENUMERATION_LIMIT = 4096


def values_of(value: Any, domains: Domains) -> frozenset[Any] | None:
    """Every value that an expression can take, or None when the joint domain is too large or not a list."""
    if not isinstance(value, Sym):
        return frozenset((value,))
    paths = sorted(value.refs)
    lists = [domains.get(path) for path in paths]
    size = 1
    for items in lists:
        if items is None:
            return None
        size *= len(items)
        if size > _ENUMERATION_LIMIT:
            return None
    return frozenset(_values(value, tuple(paths), tuple(items for items in lists if items is not None)))


@lru_cache(maxsize=4096)
def _values(value: Sym, paths: tuple[str, ...], lists: tuple[tuple[Any, ...], ...]) -> tuple[Any, ...]:
    found = set()
    for combination in product(*lists):
        try:
            found.add(evaluate(value, dict(zip(paths, combination, strict=True))))
        except (ZeroDivisionError, ValueError, OverflowError):
            found.add(None)
    return tuple(found)


def decide(condition: Any, domains: Domains) -> bool | None:
    """True or False when the condition is the same for every genotype, else None."""
    if not isinstance(condition, Sym):
        return bool(condition)
    values = values_of(condition, domains)
    return bool(next(iter(values))) if values is not None and len(values) == 1 else None


def bounds(value: Any, domains: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Lower and upper bound of a numeric expression by interval arithmetic.

    `domains` maps decision paths to (lowest, highest). The interval may be wider than the true range.
    """
    if not isinstance(value, Sym):
        return (value, value)
    op, args = value.op, value.args
    if op == "ref":
        return domains[args[0]]
    if op == "if":
        low, high = zip(bounds(args[1], domains), bounds(args[2], domains), strict=True)
        return (min(low), max(high))
    if op == "neg":
        low1, high1 = bounds(args[0], domains)
        return (-high1, -low1)
    if op in ("+", "-", "*", "/", "//", "^", "%"):
        (a, b), (c, d) = bounds(args[0], domains), bounds(args[1], domains)
        if op == "%":
            return (0, d - 1)
        corners = [_BINARY[op](x, y) for x in (a, b) for y in (c, d)]
        return (min(corners), max(corners))
    if op in FUNCTIONS:
        ends = [bounds(a, domains) for a in args]
        corners = [FUNCTIONS[op](*corner) for corner in product(*ends)]
        return (min(corners), max(corners))
    return (0, 1)


_ROUNDING = frozenset({"floor", "ceil", "int", "round"})


def decide_rounded(condition: Any, domains: Domains, intervals: Mapping[str, tuple[float, float]]) -> bool | None:
    """Like `decide` where reals occur only inside roundings: each rounded part stands for every integer it may be.

    Sound but not complete: None where the over-approximation does not settle it.
    """
    found: dict[Sym, Sym] = {}
    lists: dict[str, tuple[Any, ...] | None] = dict(domains)

    def cut(value: Any) -> Any:
        if not isinstance(value, Sym):
            return value
        if value.op in _ROUNDING and any(domains.get(p) is None for p in value.refs):
            if value not in found:
                low, high = bounds(value, intervals)
                name = f"?{len(found)}"
                found[value] = Sym("ref", (name,))
                lists[name] = tuple(range(int(low), int(high) + 1))
            return found[value]
        if value.op in ("ref", "kept", "is"):
            return value
        return Sym(value.op, tuple(cut(a) for a in value.args))

    try:
        return decide(cut(condition), lists)
    except (KeyError, TypeError, ZeroDivisionError, OverflowError):
        return None
