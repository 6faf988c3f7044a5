"""Arithmetic on numbers, symbolic numbers, unknowns (None) and lists of them; and the shape functions of layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nascompile.ir import symbols
from nascompile.ir.program import TensorType
from nascompile.ir.symbols import Sym

Numbers = tuple[Any, ...]


LONGEST_LIST = 100_000
LARGEST_BITS = 256
"""Bounds of what a text may compute, so that checking it ends: far above any network's."""


class ShapeError(Exception):
    """Shapes that do not fit; the message is a diagnostic's. Context is added where the layer is applied."""

    def __init__(self, code: str, message: str, hint: str | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def calculate(op: str, a: Any, b: Any) -> Any:
    """`a op b`; lists work elementwise and a comparison of lists holds when it holds for every element."""
    if isinstance(a, tuple) or isinstance(b, tuple):
        if op in ("in", "not in"):
            found = symbols.disjunction(*(symbols.binary("==", a, item) for item in b))
            return found if op == "in" else symbols.negation(found)
        if op == "+" and isinstance(a, tuple) and isinstance(b, tuple):
            if len(a) + len(b) > LONGEST_LIST:
                raise ShapeError("too-large", f"a list of more than {LONGEST_LIST} numbers")
            return a + b
        length = len(a) if isinstance(a, tuple) else len(b)
        left = a if isinstance(a, tuple) else (a,) * length
        right = b if isinstance(b, tuple) else (b,) * length
        if len(left) != len(right):
            if op in ("==", "!="):
                return op == "!="
            raise ShapeError("list-length", f"lists of {len(left)} and {len(right)} numbers cannot be combined")
        results = [calculate(op, x, y) for x, y in zip(left, right, strict=True)]
        if op == "!=":
            return symbols.disjunction(*results)
        return symbols.conjunction(*results) if op in ("==", "<", "<=", ">", ">=") else tuple(results)
    if a is None or b is None:
        return None
    if op == "^" and isinstance(a, int) and isinstance(b, int) and abs(b) * abs(a).bit_length() > LARGEST_BITS:
        raise ShapeError("too-large", f"{a} ^ {b} is too large a number")
    result = symbols.binary(op, a, b)
    if isinstance(result, int) and result.bit_length() > LARGEST_BITS:
        raise ShapeError("too-large", "this number is too large")
    return result


def unary(function: str, value: Any) -> Any:
    """A function of one number, elementwise on lists."""
    if isinstance(value, tuple):
        return tuple(unary(function, v) for v in value)
    return None if value is None else symbols.call(function, value)


def product(values: Any) -> Any:
    """The product of a list; 1 when empty; unknown when an element is."""
    result: Any = 1
    for value in values:
        result = calculate("*", result, value)
    return result


def total(values: Any) -> Any:
    """The sum of a list of numbers."""
    result: Any = 0
    for value in values:
        result = calculate("+", result, value)
    return result


def axes(value: Any, spatial: Numbers) -> Numbers:
    """One number per spatial axis from a number or a list."""
    if isinstance(value, tuple):
        if len(value) != len(spatial):
            raise ShapeError(
                "axis-count",
                f"{len(value)} numbers are given for {len(spatial)} spatial axes",
                "give one, or one per axis",
            )
        return value
    return (value,) * len(spatial)


def same(kernel: Any, dilation: Any = 1) -> Any:
    """The padding that keeps the size at stride 1: dilation * (k - 1) // 2."""
    return calculate("//", calculate("*", dilation, calculate("-", kernel, 1)), 2)


def window(spatial: Numbers, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Numbers:
    """Output size of a sliding window: floor((s + 2 p - d (k - 1) - 1) / stride) + 1."""
    result = []
    for s, k, st, p, d in _per_axis(spatial, kernel, stride, padding, dilation):
        reach = calculate("+", calculate("*", d, calculate("-", k, 1)), 1)
        room = calculate("-", calculate("+", s, calculate("*", 2, p)), reach)
        size = calculate("+", calculate("//", room, st), 1)
        if isinstance(size, int) and size < 1:
            raise ShapeError(
                "empty-shape",
                f"a window of {reach} does not fit into {s} positions with padding {p}",
                "use a larger input, fewer levels or more padding",
            )
        result.append(size)
    return tuple(result)


def unwindow(spatial: Numbers, kernel: Any, stride: Any, padding: Any, dilation: Any, extra: Any) -> Numbers:
    """Output size of a transposed convolution: (s - 1) stride - 2 p + d (k - 1) + extra + 1."""
    result = []
    for s, k, st, p, d, e in _per_axis(spatial, kernel, stride, padding, dilation, extra):
        grown = calculate("-", calculate("*", calculate("-", s, 1), st), calculate("*", 2, p))
        reach = calculate("+", calculate("*", d, calculate("-", k, 1)), calculate("+", e, 1))
        size = calculate("+", grown, reach)
        if isinstance(size, int) and size < 1:
            raise ShapeError("empty-shape", f"a transposed convolution of {s} positions leaves {size}")
        result.append(size)
    return tuple(result)


def resized(spatial: Numbers, to: Any) -> Numbers:
    """The size after interpolation: a list is the new size, a number a factor (floor)."""
    if isinstance(to, tuple):
        if len(to) != len(spatial):
            raise ShapeError("axis-count", f"a size of {len(to)} axes is given for {len(spatial)} spatial axes")
        return to
    sizes = tuple(unary("floor", calculate("*", s, factor)) for s, factor in _per_axis(spatial, to))
    if any(isinstance(s, int) and s < 1 for s in sizes):
        raise ShapeError("empty-shape", f"interpolation by {to} leaves nothing of {list(spatial)}")
    return sizes


def plus(spatial: Numbers, amount: Any) -> Numbers:
    """Padded (or, when negative, cropped) size."""
    sizes = tuple(calculate("+", s, a) for s, a in _per_axis(spatial, amount))
    if any(isinstance(s, int) and s < 1 for s in sizes):
        raise ShapeError("empty-shape", f"cropping {list(spatial)} leaves nothing")
    return sizes


def _per_axis(spatial: Numbers, *values: Any) -> list[Numbers]:
    if not spatial:
        raise ShapeError(
            "rank-mismatch",
            "this needs spatial axes, and a vector has none",
            "a vector is what `global_avg_pool` and `flatten` give: use `linear`",
        )
    return list(zip(spatial, *(axes(v, spatial) for v in values), strict=True))


def broadcast(types: tuple[TensorType, ...], equal: Callable[[Any, Any], bool | None]) -> tuple[Any, ...]:
    """The axes of a sum or product: equal shapes, or vectors that act on the channels of maps.

    One-channel maps are spread over the channels (spatial attention).
    """
    widest = max(types, key=lambda t: len(t.axes))
    axes_ = list(widest.axes)
    for type_ in types:
        if len(type_.axes) not in (1, len(axes_)):
            raise ShapeError("shape-mismatch", f"shapes {_join(types)} cannot be combined")
        for position, axis in enumerate(type_.axes):
            current = axes_[position]
            if current is None or (current == 1 and position == 0):
                axes_[position] = axis
            elif axis is None or (axis == 1 and position == 0):
                continue
            elif equal(axis, current) is False:
                raise ShapeError("shape-mismatch", f"shapes {_join(types)} cannot be combined", _hint(types))
    return tuple(axes_)


def joined(types: tuple[TensorType, ...], equal: Callable[[Any, Any], bool | None]) -> tuple[Any, ...]:
    """The axes of a concatenation over the channels."""
    first = types[0]
    spatial = list(first.spatial)
    for type_ in types[1:]:
        if len(type_.axes) != len(first.axes):
            raise ShapeError("shape-mismatch", f"shapes {_join(types)} cannot be concatenated")
        for position, axis in enumerate(type_.spatial):
            if spatial[position] is None:
                spatial[position] = axis
            elif axis is not None and equal(axis, spatial[position]) is False:
                raise ShapeError("shape-mismatch", f"shapes {_join(types)} cannot be concatenated", _hint(types))
    return (total([t.channels for t in types]), *spatial)


def _join(types: tuple[TensorType, ...]) -> str:
    shown = list(dict.fromkeys(str(t) for t in types))
    return ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else shown[0]


def _hint(types: tuple[TensorType, ...]) -> str | None:
    sizes: list[tuple[Any, ...]] = [t.spatial for t in types]
    if any(len(s) != len(sizes[0]) or not all(isinstance(n, int) for n in s) for s in sizes):
        return None
    difference = max(abs(a - b) for s in sizes for a, b in zip(s, sizes[0], strict=True))
    if difference == 0:
        return None
    return "use an input whose sides divide evenly, or `sum(..., resize = nearest)`" if difference <= 2 else None


SHAPE_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "same": same,
    "window": window,
    "unwindow": unwindow,
    "resized": resized,
    "plus": plus,
    "axes": axes,
    "prod": product,
}

NUMBER_FUNCTIONS = {name for name in symbols.FUNCTIONS if name not in ("min", "max", "cdiv", "divisible")}


def function(name: str, arguments: list[Any]) -> Any:
    """A built-in function of numbers and lists. Raises TypeError for a wrong number of arguments."""
    if name in SHAPE_FUNCTIONS:
        return SHAPE_FUNCTIONS[name](*arguments)
    if name in ("min", "max") and len(arguments) == 1 and isinstance(arguments[0], tuple):
        arguments = list(arguments[0])
        if len(arguments) == 1:
            return arguments[0]
    if name in NUMBER_FUNCTIONS and len(arguments) == 1:
        return unary(name, arguments[0])
    if len(arguments) != 2 and (name not in ("min", "max") or len(arguments) < 2):
        raise TypeError(name)
    if name == "cdiv" and isinstance(arguments[0], tuple):
        return tuple(function("cdiv", [a, arguments[1]]) for a in arguments[0])
    if any(a is None for a in arguments):
        return None
    return symbols.call(name, *arguments)


BUILTIN_FUNCTIONS = frozenset(SHAPE_FUNCTIONS) | frozenset(symbols.FUNCTIONS)

__all__ = ["BUILTIN_FUNCTIONS", "ShapeError", "Sym", "broadcast", "calculate", "function", "joined", "product", "total"]
