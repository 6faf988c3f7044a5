"""Lists of numbers, tensors, edges and operators; comprehensions; the values that loops run over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nascompile.ir import symbols
from nascompile.ir.symbols import Sym
from nascompile.semantics.context import Env, text_of
from nascompile.semantics.merging import guarded
from nascompile.semantics.values import (
    Entry,
    Family,
    Items,
    RangeOf,
    SizeOf,
    Tensor,
    describe,
)
from nascompile.syntax import nodes as ast


def list_of(expr: ast.List, env: Env) -> Any:
    """`[a, b if condition, [...]]`: a tuple of numbers, or items with labels."""
    collected: list[Entry] = []
    for position, item in enumerate(expr.items):
        if isinstance(item, ast.Conditional) and item.orelse is None:
            condition = known(env, env.evaluate(item.condition), item.condition)
            if not condition:
                continue
            item = item.then
        if isinstance(item, ast.Comprehension):
            inner = env.evaluate(item)
            collected.extend(entries_of(inner, item))
            continue
        label = label_of(item, env) or str(position)
        collected.append(Entry(env.evaluate(item), label, item.span))
    return packed(collected)


def comprehension(expr: ast.Comprehension, env: Env) -> Any:
    """`[element for i in range if condition]`, evaluated turn by turn."""
    collected: list[Entry] = []
    frame = env.frame
    binding, loops = frame.binding, frame.loops
    try:
        for inner, indices, exists in iterate(expr.generators, expr.condition, env.inner()):
            frame.loops = (*loops, *indices)
            element = expr.element
            if isinstance(element, ast.Conditional) and element.orelse is None:
                if not known(inner, inner.evaluate(element.condition), element.condition):
                    continue
                element = element.then
            label = label_of(element, inner) or str(len(collected))
            if not isinstance(element, ast.Via):
                frame.binding = f"{binding}[{', '.join(map(str, indices))}]"
            if exists is True:
                value = inner.evaluate(element)
            else:
                value = guarded(inner, exists, lambda e=element, i=inner: i.evaluate(e))
                if isinstance(value, Tensor):
                    value = Tensor(value.id, value.type, symbols.conjunction(exists, value.presence))
            frame.binding = binding
            collected.append(Entry(value, label, element.span))
    finally:
        frame.binding, frame.loops = binding, loops
    return packed(collected)


def iterate(
    generators: tuple[ast.Generator, ...], condition: ast.Expr | None, env: Env
) -> Iterator[tuple[Env, tuple[int, ...], Any]]:
    """Every combination of loop indices: a scope that binds them, the indices, and the condition of existence."""
    if not generators:
        yes = True if condition is None else known(env, env.evaluate(condition), condition)
        if yes:
            yield env, (), True
        return
    first = generators[0]
    domain = env.evaluate(first.domain)
    for value, exists in indices(env, domain, first.domain):
        inner = env.inner()
        inner.scope.names[first.target] = value
        index = value if isinstance(value, int) else 0
        for nested, rest, also in iterate(generators[1:], condition, inner):
            yield nested, (index, *rest), symbols.conjunction(exists, also)


def indices(env: Env, domain: Any, node: ast.Expr) -> Iterator[tuple[Any, Any]]:
    """The values of a loop and the condition under which each exists (ranges whose end is a decision)."""
    if isinstance(domain, RangeOf):
        low, high = domain.low, domain.high
        if isinstance(low, Sym):
            raise env.ctx.fail("decided-domain", "a loop cannot start at a number that a decision gives", node.span)
        if isinstance(high, Sym):
            yield from _open_range(env, low, high, node)
            return
        if domain.is_real:
            raise env.ctx.fail("not-a-range", "a loop runs over integers", node.span)
        for value in range(low, high + 1):
            env.ctx.count(node.span)
            yield value, True
        return
    if isinstance(domain, tuple):
        for value in domain:
            env.ctx.count(node.span)
            yield value, True
        return
    raise env.ctx.fail("not-a-range", f"a loop runs over a range or a list, not {describe(domain)}", node.span)


def _open_range(env: Env, low: int, high: Sym, node: ast.Expr) -> Iterator[tuple[int, Any]]:
    values = symbols.values_of(high, env.ctx.domains)
    if values is None or any(v is None for v in values):
        raise env.ctx.fail("decided-domain", "the values of this loop's end cannot be listed", node.span)
    least, most = min(values), max(values)
    for value in range(low, most + 1):
        env.ctx.count(node.span)
        yield value, True if value <= least else symbols.binary(">=", high, value)


def known(env: Env, value: Any, node: ast.Expr) -> bool:
    """A condition that decides what there is. Raises NasError where it depends on the genotype."""
    verdict = env.ctx.decide(value)
    if verdict is None:
        raise env.ctx.fail("undecided-condition", f"whether `{text_of(node)}` holds depends on the genotype", node.span)
    return verdict


def entries_of(value: Any, node: ast.Expr) -> list[Entry]:
    """The elements of a list, family or range with their labels."""
    if isinstance(value, Items):
        return list(value.entries)
    if isinstance(value, Family):
        pairs = sorted(value.values.items())
        return [Entry(v, family_label(value.name, k), node.span, k) for k, v in pairs]
    if isinstance(value, tuple | RangeOf):
        return [Entry(v, str(v), node.span) for v in value]
    return [Entry(value, label_of(node, None) or "0", node.span)]


def packed(entries: list[Entry]) -> Any:
    """A tuple if all elements are numbers or words, else items with distinct labels."""
    if all(isinstance(e.value, int | float | str | Sym | tuple) and not isinstance(e.value, SizeOf) for e in entries):
        return tuple(e.value for e in entries)
    labels = [e.label for e in entries]
    if len(set(labels)) != len(labels):
        seen: dict[str, int] = {}
        renamed = []
        for entry in entries:
            seen[entry.label] = seen.get(entry.label, 0) + 1
            count = seen[entry.label]
            label = entry.label if count == 1 else f"{entry.label}_{count}"
            renamed.append(Entry(entry.value, label, entry.span, entry.key))
        entries = renamed
    return Items(tuple(entries))


def family_label(name: str, key: tuple[int, ...]) -> str:
    """How an element of a family is written: `s[0]`, `edge[0, 1, 2]`."""
    return f"{name}[{', '.join(map(str, key))}]"


def label_of(expr: ast.Expr, env: Env | None) -> str | None:
    """The word for an element of a list: `s[1]` for `s[j] via ...`, the callee of a call, a name."""
    if isinstance(expr, ast.Via):
        return label_of(expr.value, env)
    if isinstance(expr, ast.Maybe):
        return label_of(expr.base, env)
    if isinstance(expr, ast.Conditional):
        return label_of(expr.then, env)
    if isinstance(expr, ast.Name):
        return expr.id
    if isinstance(expr, ast.Call):
        return label_of(expr.callee, env)
    if isinstance(expr, ast.Fresh):
        return label_of(expr.call, env)
    if isinstance(expr, ast.Pipe):
        return label_of(expr.stages[0], env)
    if isinstance(expr, ast.Index):
        base = label_of(expr.base, env)
        if base is None:
            return None
        if env is None:
            return text_of(expr)
        numbers = [env.evaluate(i) if not isinstance(i, ast.Star) else "*" for i in expr.indices]
        return f"{base}[{', '.join(map(str, numbers))}]"
    return None
