"""Many genotypes at once: their decisions as columns, and functions of decisions evaluated for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nascompile.ir.symbols import Sym
from nascompile.profile.diagrams import FALSE, TRUE, Diagrams, Variable

Values = Mapping[str, Any]
Array = NDArray[Any]


class Columns:
    """Genotypes as columns over one set of diagrams. A decision that does not exist counts as its first value.

    Conditions are whole numbers with one bit a genotype: Python combines these faster than arrays.
    """

    def __init__(self, diagrams: Diagrams, genotypes: Sequence[Values]):
        self._diagrams = diagrams
        self._genotypes = genotypes
        self._every = (1 << len(genotypes)) - 1
        self._known: dict[int, int] = {FALSE: 0, TRUE: self._every}
        self._masks: dict[int, list[int]] = {}
        self._numbers: dict[Sym, Any] = {}
        self._codes: dict[int, Array] = {}
        self._raw: dict[str, list[Any]] = {}

    def holds(self, nodes: Iterable[int]) -> list[Array]:
        """Where each of some conditions holds, one boolean a genotype. Every node below them is evaluated once."""
        nodes = list(nodes)
        d, known, masks = self._diagrams, self._known, self._masks
        for node in d.below(nodes):
            if node in known:
                continue
            children, position = d.children[node], d.variable[node]
            bits = masks.get(position)
            if bits is None:
                bits = masks[position] = self._bits(position)
            result = 0
            for mask, child in zip(bits, children, strict=True):
                if child != FALSE:
                    result |= mask & known[child]
            known[node] = result
        return [self._array(known[node]) for node in nodes]

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

    def _array(self, bits: int) -> Array:
        count = len(self._genotypes)
        packed = np.frombuffer(bits.to_bytes(-(-count // 8), "little"), np.uint8)
        return np.unpackbits(packed, count=count, bitorder="little").view(bool)

    def _bits(self, position: int) -> list[int]:
        """For each value of a variable, the genotypes that take it."""
        code = self._code(position)
        rows = [
            np.packbits(code == n, bitorder="little") for n in range(len(self._diagrams.variables[position].values))
        ]
        return [int.from_bytes(row.tobytes(), "little") for row in rows]

    def _code(self, position: int) -> Array:
        """The number of the value that each genotype gives a variable."""
        if position not in self._codes:
            variable = self._diagrams.variables[position]
            if variable.fact is not None:
                with np.errstate(all="ignore"):
                    held = np.asarray(self.number(variable.fact), np.uint8)
                self._codes[position] = np.broadcast_to(held, len(self._genotypes))
            else:
                self._codes[position] = np.array(_coded(variable, self._values(variable.path)), np.uint8)
        return self._codes[position]

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
            return self.holds([self._diagrams.kept(*args)])[0]
        if op == "is":
            return self.holds([self._diagrams.taken(*args)])[0]
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
