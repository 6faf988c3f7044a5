"""Expressions of generated source, and laying them out as `ruff format` would at 88 columns."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH = 88


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments)`; every argument is (keyword or None, value)."""

    function: str
    arguments: tuple[tuple[str | None, Code], ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """`[a, b, c]`."""

    items: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands between one operator, `+` or `*`. They are names and calls, so no parentheses are needed."""

    operator: str
    operands: tuple[Code, ...]


Code = str | Call | Listed | Chain


def line(code: Code) -> str:
    """The expression on one line."""
    if isinstance(code, str):
        return code
    if isinstance(code, Call):
        return f"{code.function}({', '.join(_argument(a) for a in code.arguments)})"
    if isinstance(code, Listed):
        return f"[{', '.join(line(i) for i in code.items)}]"
    return f" {code.operator} ".join(line(o) for o in code.operands)


def _argument(argument: tuple[str | None, Code]) -> str:
    keyword, value = argument
    return line(value) if keyword is None else f"{keyword}={line(value)}"


def laid_out(before: str, code: Code, after: str, indent: int) -> list[str]:
    """Lines of `before` + code + `after`, broken where it is too long; `before` is `x = `, `return ` or a keyword."""
    space = " " * indent
    whole = f"{space}{before}{line(code)}{after}"
    if len(whole) <= WIDTH or isinstance(code, str):
        return [whole]
    if isinstance(code, Chain):
        inner = " " * (indent + 4)
        first, *rest = code.operands
        if len(inner) + len(line(code)) <= WIDTH:
            return [f"{space}{before}(", f"{inner}{line(code)}", f"{space}){after}"]
        lines = [f"{space}{before}(", f"{inner}{line(first)}"]
        return [*lines, *(f"{inner}{code.operator} {line(o)}" for o in rest), f"{space}){after}"]
    opening, closing = (f"{code.function}(", ")") if isinstance(code, Call) else ("[", "]")
    parts: tuple[tuple[str | None, Code], ...]
    parts = code.arguments if isinstance(code, Call) else tuple((None, i) for i in code.items)
    body = " " * (indent + 4) + ", ".join(_argument(p) for p in parts)
    if len(body) <= WIDTH:
        return [f"{space}{before}{opening}", body, f"{space}{closing}{after}"]
    lines = [f"{space}{before}{opening}"]
    for keyword, value in parts:
        lines += laid_out("" if keyword is None else f"{keyword}=", value, ",", indent + 4)
    return [*lines, f"{space}{closing}{after}"]


def definition(head: str, parameters: tuple[str, ...], tail: str, indent: int) -> list[str]:
    """`def head(parameters)tail`, one parameter a line where it is too long for one line."""
    space = " " * indent
    whole = f"{space}def {head}({', '.join(parameters)}){tail}"
    if len(whole) <= WIDTH:
        return [whole]
    body = " " * (indent + 4) + ", ".join(parameters)
    if len(body) <= WIDTH:
        return [f"{space}def {head}(", body, f"{space}){tail}"]
    return [f"{space}def {head}(", *(f"{' ' * (indent + 4)}{p}," for p in parameters), f"{space}){tail}"]


def literal(value: object) -> str:
    """A number, word, truth or tuple as Python writes it; words in double quotes, whole floats as integers."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e9:
        return str(int(value))
    if isinstance(value, tuple):
        inside = ", ".join(literal(v) for v in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value)
