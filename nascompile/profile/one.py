"""A single genotype: functions of its decisions, looked up one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nascompile.ir import symbols
from nascompile.ir.symbols import Sym
from nascompile.profile.diagrams import Diagrams


class One:
    """One genotype over a set of diagrams. What `profile.columns` does for many; for a few this is faster."""

    def __init__(self, diagrams: Diagrams, values: Mapping[str, Any]):
        self._diagrams = diagrams
        self._values = values
        self._codes: dict[int, int] = {}
        self._numbers: dict[Sym, Any] = {}

    def holds(self, node: int) -> bool:
        """Whether a condition holds."""
        d, codes = self._diagrams, self._codes
        children, variable = d.children, d.variable
        while children[node]:
            position = variable[node]
            code = codes.get(position)
            if code is None:
                code = codes[position] = self._code(position)
            node = children[node][code]
        return bool(d.leaf[node])

    def number(self, value: Any) -> Any:
        """An expression over picked numbers. Raises KeyError for a number that does not exist."""
        if not isinstance(value, Sym):
            return value
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = self._calculated(value)
        return found

    def _code(self, position: int) -> int:
        variable = self._diagrams.variables[position]
        if variable.fact is not None:
            try:
                return int(bool(symbols.evaluate(variable.fact, self._values)))
            except (KeyError, TypeError, ZeroDivisionError):
                return 0
        value = self._values.get(variable.path)
        if variable.label is not None:
            return int(value is not None and variable.label in value)
        if isinstance(value, tuple):
            value = value[0]
        return 0 if value is None else variable.values.index(value)

    def _calculated(self, value: Sym) -> Any:
        op, args = value.op, value.args
        if op == "ref":
            return self._values[args[0]]
        if op in ("kept", "is"):
            return symbols.evaluate(value, {args[0]: self._values.get(args[0], ())})
        if op == "if":
            return self.number(args[1] if self.number(args[0]) else args[2])
        if op == "and":
            return all(self.number(a) for a in args)
        if op == "or":
            return any(self.number(a) for a in args)
        numbers = [self.number(a) for a in args]
        if op == "not":
            return not numbers[0]
        if op == "neg":
            return -numbers[0]
        known = symbols.FUNCTIONS.get(op)
        return known(*numbers) if known is not None else symbols.binary(op, *numbers)
