"""Conditions under genotypes in which some of their decisions do not exist.

No edge of a decision that does not exist is kept, and none of its operators is taken. Its number is no number: a
condition that has to look at it says nothing and is met. Parts that `and`, `or` and `if` do not need are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nascompile.ir import symbols
from nascompile.ir.symbols import Sym

LEAVES = ("ref", "kept", "is")


class _NoNumber:
    """What stands where a number does not exist. Looking at it in any way fails."""

    __slots__ = ()

    def __bool__(self) -> bool:
        raise TypeError("no number")

    def __eq__(self, other: object) -> bool:
        raise TypeError("no number")

    __hash__ = object.__hash__


NO_NUMBER = _NoNumber()


def value_of(expression: Any, known: Mapping[Any, Any]) -> Any:
    """The value of an expression, or NO_NUMBER where it needs a number that does not exist."""
    try:
        return symbols.evaluate(expression, known)
    except (TypeError, ZeroDivisionError):
        return NO_NUMBER


def is_met(condition: Any, known: Mapping[Any, Any], otherwise: bool = True) -> bool:
    """Whether a condition holds; `otherwise` where it needs a number that does not exist."""
    try:
        return bool(symbols.evaluate(condition, known))
    except (TypeError, ZeroDivisionError):
        return otherwise


class Existing(dict[Any, Any]):
    """Values by path, for `value_of` and `is_met`: every other decision does not exist."""

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (isinstance(key, Sym) and key.op in LEAVES and key.args[0] not in self)

    def __missing__(self, key: Any) -> Any:
        return NO_NUMBER if key.op == "ref" else False
