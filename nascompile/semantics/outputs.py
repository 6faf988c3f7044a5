"""`outputs name = tensor, ...`: what a space gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nascompile.semantics.context import Env, text_of
from nascompile.semantics.values import (
    Absent,
    Family,
    Items,
    Multiple,
    Tensor,
    describe,
)
from nascompile.syntax import nodes as ast


@dataclass(slots=True)
class Named:
    """What `outputs` declares: tensors by name, in text order."""

    tensors: dict[str, Tensor] = field(default_factory=dict)


def run_outputs(statement: ast.Outputs, env: Env) -> Named:
    """The named outputs, families and lists of tensors spread by index."""
    named = Named()
    for item in statement.items:
        expr = item.value
        if isinstance(expr, ast.Conditional) and expr.orelse is None:
            if not env.evaluate(expr.condition):
                continue
            expr = expr.then
        outer = env.frame.binding
        env.frame.binding = item.name or outer
        try:
            value = env.evaluate(expr)
        finally:
            env.frame.binding = outer
        name = item.name or (text_of(expr) if isinstance(expr, ast.Name) else "out")
        _add_output(named, name, value, item, env)
    return named


def _add_output(named: Named, name: str, value: Any, item: ast.Argument, env: Env) -> None:
    if isinstance(value, Tensor):
        named.tensors[name] = value
    elif isinstance(value, Multiple):
        for position, tensor in enumerate(value.tensors):
            named.tensors[f"{name}[{position}]"] = tensor
    elif isinstance(value, Family):
        for key, element in sorted(value.values.items()):
            if not isinstance(element, Absent):
                _add_output(named, f"{name}[{', '.join(map(str, key))}]", element, item, env)
    elif isinstance(value, Items):
        for position, entry in enumerate(value.entries):
            if not isinstance(entry.value, Absent):
                _add_output(named, f"{name}[{position}]", entry.value, item, env)
    elif isinstance(value, Absent):
        raise env.ctx.fail("absent-output", f"the output `{name}` is absent", item.span)
    else:
        raise env.ctx.fail("not-a-tensor", f"the output `{name}` is {describe(value)}", item.span)
