"""Many genotypes at once: their decisions as columns, and functions of decisions evaluated for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascompile.ir.symbols import Sym, evaluate
from nascompile.profile.diagrams import FALSE, TRUE, Diagrams, Variable

Values = Mapping[str, Any]
Array = NDArray[Any]


class Columns:
    """Genotypes as arrays over one set of diagrams. A decision that does not exist counts as its first value."""

    def __init__(self, diagrams: Diagrams, genotypes: Sequence[Values]):
        self._diagrams = diagrams
        self._genotypes = genotypes
        self._known: dict[int, Array] = {
            FALSE: np.zeros(len(genotypes), bool),
            TRUE: np.ones(len(genotypes), bool),
        }
        self._numbers: dict[Sym, Any] = {}
        self._codes: dict[int, Array] = {}
        self._raw: dict[str, list[Any]] = {}

    def holds(self, node: int) -> Array:
        """Where a condition holds, one boolean a genotype. Every node below it is evaluated once."""
        for each in self._diagrams.below([node]) if node not in self._known else ():
            if each not in self._known:
                self._known[each] = self._condition(each)
        return self._known[node]

    def all_of(self, nodes: Iterable[int]) -> list[Array]:
        """`holds` of several conditions."""
        for each in self._diagrams.below(nodes := list(nodes)):
            if each not in self._known:
                self._known[each] = self._condition(each)
        return [self._known[node] for node in nodes]

    def number(self, value: Any) -> Any:
        """An expression over picked numbers: an array, or a plain number where it is one."""
        if not isinstance(value, Sym):
            return value
        if value not in self._numbers:
            self._numbers[value] = self._calculated(value)
        return self._numbers[value]

    # --- within ---

    def _values(self, path: str) -> list[Any]:
        if path not in self._raw:
            self._raw[path] = [values.get(path) for values in self._genotypes]
        return self._raw[path]

    def _code(self, position: int) -> Array:
        """The number of the value that each genotype gives a variable."""
        if position not in self._codes:
            variable = self._diagrams.variables[position]
            if variable.fact is not None:
                code = np.asarray(self.number_of_fact(variable.fact), np.uint8)
            else:
                code = np.array(_coded(variable, self._values(variable.path)), np.uint8)
            self._codes[position] = code
        return self._codes[position]

    def number_of_fact(self, fact: Sym) -> list[bool]:
        """A comparison of real numbers, genotype by genotype: false where a number does not exist."""
        found = []
        for values in self._genotypes:
            try:
                found.append(bool(evaluate(fact, values)))
            except (KeyError, TypeError, ZeroDivisionError):
                found.append(False)
        return found

    def _condition(self, node: int) -> Array:
        children = self._diagrams.children[node]
        code = self._code(self._diagrams.variable[node])
        if len(children) == 2:
            low, high = children
            if low == FALSE:
                return code.view(bool) if high == TRUE else self._known[high] & code.view(bool)
            if high == FALSE:
                return self._known[low] & ~code.view(bool)
            return np.where(code.view(bool), self._known[high], self._known[low])
        result = None
        for child in dict.fromkeys(children):
            if child != FALSE:
                here = np.array([c == child for c in children])[code] & self._known[child]
                result = here if result is None else result | here
        assert result is not None
        return result

    def _calculated(self, value: Sym) -> Any:
        op, args = value.op, value.args
        if op == "ref":
            variable = self._diagrams.variables[self._diagrams.place[args[0], None]]
            if not variable.values:
                ends = variable.decision.interval if variable.decision is not None else None
                return np.array([(ends or (1.0,))[0] if v is None else v for v in self._values(args[0])], float)
            picked: Array = np.array(variable.values)[self._code(self._diagrams.place[args[0], None])]
            return picked
        if op == "kept":
            return self.holds(self._diagrams.kept(*args))
        if op == "is":
            return self.holds(self._diagrams.taken(*args))
        found: Array = _ARRAYS[op](*(self.number(a) for a in args))
        return found


def _coded(variable: Variable, values: list[Any]) -> list[int]:
    if variable.label is not None:
        return [0 if v is None else variable.label in v for v in values]
    codes: dict[Any, int] = {v: n for n, v in enumerate(variable.values)}
    codes |= {(v,): n for v, n in codes.items()}
    codes[None] = 0
    return [codes[v] for v in values]


def _power(a: Any, b: Any) -> Any:
    return np.power(a, b) if np.all(np.asarray(b) >= 0) else np.power(np.asarray(a, float), b)


def _whole(a: Any) -> Any:
    return np.asarray(a).astype(np.int64)


def _divisible(a: Any, d: Any) -> Any:
    near = np.maximum(d, _whole(a + d / 2) // d * d)
    return near + np.where(near < 0.9 * a, d, 0)


def _all(*parts: Any) -> Any:
    return np.logical_and.reduce([np.asarray(p, bool) for p in np.broadcast_arrays(*parts)])


def _any(*parts: Any) -> Any:
    return np.logical_or.reduce([np.asarray(p, bool) for p in np.broadcast_arrays(*parts)])


_ARRAYS: dict[str, Any] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "//": np.floor_divide,
    "%": np.mod,
    "^": _power,
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "and": _all,
    "or": _any,
    "not": np.logical_not,
    "if": np.where,
    "neg": np.negative,
    "floor": lambda a: _whole(np.floor(a)),
    "ceil": lambda a: _whole(np.ceil(a)),
    "round": lambda a: _whole(np.floor(a + 0.5)),
    "int": _whole,
    "abs": np.abs,
    "min": lambda *a: np.minimum.reduce(np.broadcast_arrays(*a)),
    "max": lambda *a: np.maximum.reduce(np.broadcast_arrays(*a)),
    "log2": np.log2,
    "sqrt": np.sqrt,
    "cdiv": lambda a, b: -(-a // b),
    "divisible": _divisible,
}
