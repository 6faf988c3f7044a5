"""Elements and selections: `s[2]`, `edge[b, *, *]`, `s[2 ..]`, `f[i]?`."""

from __future__ import annotations

from typing import Any

from nascompile.ir import symbols
from nascompile.ir.symbols import Sym
from nascompile.semantics.context import Env, text_of
from nascompile.semantics.lists import family_label, label_of, packed
from nascompile.semantics.values import (
    POISON,
    Absent,
    Entry,
    Family,
    Items,
    Poisoned,
    describe,
)
from nascompile.syntax import nodes as ast


def index(expr: ast.Index, env: Env) -> Any:
    """`f[i]`, `f[i, *]`, `f[i ..]`. Raises NasError (`unknown-index`) where there is no such element."""
    base = env.evaluate(expr.base)
    found = _lookup(expr, base, env)
    if found is not None:
        return found
    raise env.ctx.fail("unknown-index", f"`{label_of(expr, env) or text_of(expr)}` is not defined here", expr.span,
                       "write `?` behind it where it may be absent")  # fmt: skip


def maybe(expr: ast.Maybe, env: Env) -> Any:
    """`f[i]?`: the element, or absent where there is none; in `f[i][j]?` either may be missing."""
    if not isinstance(expr.base, ast.Index):
        return env.evaluate(expr.base)
    found = _found(expr.base, env)
    return Absent() if found is None else found


def _found(expr: ast.Expr, env: Env) -> Any:
    if not isinstance(expr, ast.Index):
        return env.evaluate(expr)
    base = _found(expr.base, env)
    return None if base is None else _lookup(expr, base, env)


def _lookup(expr: ast.Index, base: Any, env: Env) -> Any:
    """The element, or None when there is none."""
    parts = expr.indices
    if len(parts) == 1 and isinstance(parts[0], ast.Range) and parts[0].stop is None:
        start = env.evaluate(parts[0].start)
        if not isinstance(start, int) or isinstance(start, bool):
            message = f"an index is a whole number, not {describe(start)}"
            raise env.ctx.fail("not-an-index", message, parts[0].start.span)
        return _slice(base, start, expr, env)
    wild = [isinstance(p, ast.Star) for p in parts]
    numbers: tuple[Any, ...] = tuple(None if w else env.evaluate(p) for p, w in zip(parts, wild, strict=True))
    for number, node in zip(numbers, parts, strict=True):
        is_decided = isinstance(base, tuple) and isinstance(number, Sym)
        if number is not None and not is_decided and (isinstance(number, bool) or not isinstance(number, int)):
            raise env.ctx.fail("not-an-index", f"an index is a whole number, not {describe(number)}", node.span)
    if isinstance(base, Family):
        if any(wild):
            return _selection(base, numbers, wild, expr)
        value = base.values.get(tuple(numbers))
        if value is POISON:
            raise Poisoned
        return value
    if isinstance(base, Items):
        if any(wild) or (base.entries and base.entries[0].key is not None):
            return _selected(base, numbers, wild, expr)
        position = numbers[0]
        return base.entries[position].value if isinstance(position, int) and 0 <= position < len(base.entries) else None
    if isinstance(base, tuple):
        position = numbers[0]
        if isinstance(position, Sym):
            return _decided_element(base, position, env)
        return base[position] if isinstance(position, int) and -len(base) <= position < len(base) else None
    raise env.ctx.fail("not-indexed", f"{describe(base)} has no elements", expr.base.span)


def _decided_element(base: tuple[Any, ...], position: Sym, env: Env) -> Any:
    values = symbols.values_of(position, env.ctx.domains) or frozenset(range(len(base)))
    if not all(isinstance(v, int) and 0 <= v < len(base) for v in values):
        return None
    result = base[max(values)]
    for value in sorted(values, reverse=True):
        result = symbols.choose(symbols.binary("==", position, value), base[value], result)
    return result


def _slice(base: Any, start: int, expr: ast.Index, env: Env) -> Any:
    if isinstance(base, tuple):
        return base[start:]
    if isinstance(base, Items):
        return Items(base.entries[start:], base.decision)
    if isinstance(base, Family):
        chosen = sorted((k, v) for k, v in base.values.items() if k[0] >= start)
        if any(v is POISON for _, v in chosen):
            raise Poisoned
        return packed([Entry(v, family_label(base.name, k), expr.span, k) for k, v in chosen])
    raise env.ctx.fail("not-indexed", f"{describe(base)} has no elements", expr.base.span)


def _selection(family: Family, numbers: tuple[Any, ...], wild: list[bool], expr: ast.Index) -> Any:
    entries = []
    for key, value in family.values.items():
        if len(key) == len(numbers) and all(w or k == n for k, n, w in zip(key, numbers, wild, strict=True)):
            if value is POISON:
                raise Poisoned
            short = tuple(k for k, w in zip(key, wild, strict=True) if w)
            entries.append(Entry(value, family_label(family.name, key), expr.span, short))
    return Items(tuple(entries)) if entries else None


def _selected(items: Items, numbers: tuple[Any, ...], wild: list[bool], expr: ast.Index) -> Any:
    entries = [
        e
        for e in items.entries
        if e.key is not None and len(e.key) == len(numbers)
        and all(w or k == n for k, n, w in zip(e.key, numbers, wild, strict=True))
    ]  # fmt: skip
    if not any(wild):
        return entries[0].value if entries else None
    return Items(tuple(entries), items.decision) if entries else None
