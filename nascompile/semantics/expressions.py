"""Evaluating expressions: numbers stay numbers, tensors become nodes of the graph under construction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nascompile.diagnostics import Label, did_you_mean, error
from nascompile.ir import symbols
from nascompile.ir.symbols import Sym
from nascompile.semantics import arithmetic, builtin, picks
from nascompile.semantics.arithmetic import ShapeError
from nascompile.semantics.context import Env, text_of
from nascompile.semantics.operators import apply, bind_parameters, guarded, merge
from nascompile.semantics.values import (
    OPERATORS,
    POISON,
    Absent,
    Candidates,
    Chain,
    Edge,
    Entry,
    Family,
    Function,
    Items,
    LayerOperator,
    Multiple,
    OpOperator,
    Poisoned,
    RangeOf,
    Scope,
    SizeOf,
    Tensor,
    describe,
)
from nascompile.syntax import nodes as ast


def evaluate(expr: ast.Expr, env: Env) -> Any:
    """The value of an expression. Raises NasError, or Poisoned behind an error that is already reported."""
    return _HANDLERS[type(expr)](expr, env)


def _literal(expr: Any, env: Env) -> Any:
    return expr.value


def _quantity(expr: ast.Quantity, env: Env) -> Any:
    scale = {"k": 10**3, "M": 10**6, "G": 10**9}.get(expr.unit)
    if scale is None:
        raise error("unit", f"`{expr.text}` has a unit; a number is needed here", expr.span)
    return expr.value * scale


def _name(expr: ast.Name, env: Env) -> Any:
    scope = env.scope.find(expr.id)
    if scope is not None:
        value = scope.names[expr.id]
        if value is POISON:
            raise Poisoned
        return value
    if expr.id == "fixed":
        return env.ctx.is_fixed
    return declared(env, expr.id, expr)


def declared(env: Env, name: str, node: ast.Expr) -> Any:
    """The value of a top-level declaration: an operator without arguments, a function, a constant."""
    ctx = env.ctx
    declaration = ctx.library.names.get(name)
    if declaration is None:
        known = env.scope.all_names() | set(ctx.library.names) | builtin.NAMES | {"fixed"}
        code = "unknown-name"
        raise ctx.fail(code, f"`{name}` is not defined", node.span, did_you_mean(name, sorted(known)))
    if isinstance(declaration, ast.LayerDecl):
        return LayerOperator(declaration, (), node.span)
    if isinstance(declaration, ast.OpsDecl):
        return Candidates(declaration, (), node.span)
    if isinstance(declaration, ast.FunctionDecl):
        return Function(name, declaration.parameters, declaration.value, Scope())
    if isinstance(declaration, ast.ConstantDecl):
        return evaluate(declaration.value, Env(ctx, env.frame, Scope()))
    if isinstance(declaration, ast.CellAlias):
        base = _resolve_alias(env, declaration)
        return OpOperator(base.declaration, base.arguments, node.span, name)
    if declaration.kind == "space":
        raise ctx.fail("space-as-operator", f"`{name}` is a space, not an operator", node.span)
    return OpOperator(declaration, (), node.span, name if declaration.kind == "cell" else None)


def _resolve_alias(env: Env, alias: ast.CellAlias) -> OpOperator:
    inner = Env(env.ctx, env.frame, Scope())
    value = _call(alias.value, inner)
    if not isinstance(value, OpOperator):
        raise env.ctx.fail("not-a-cell", f"`{alias.name}` needs a cell with arguments", alias.value.span)
    return value


def _list(expr: ast.List, env: Env) -> Any:
    collected: list[Entry] = []
    for position, item in enumerate(expr.items):
        if isinstance(item, ast.Conditional) and item.orelse is None:
            condition = _known(env, evaluate(item.condition, env), item.condition)
            if not condition:
                continue
            item = item.then
        if isinstance(item, ast.Comprehension):
            inner = evaluate(item, env)
            collected.extend(_entries(inner, item))
            continue
        label = label_of(item, env) or str(position)
        collected.append(Entry(_element(item, env, label), label, item.span))
    return _packed(collected)


def _element(item: ast.Expr, env: Env, label: str) -> Any:
    return evaluate(item, env)


def _entries(value: Any, node: ast.Expr) -> list[Entry]:
    if isinstance(value, Items):
        return list(value.entries)
    if isinstance(value, Family):
        pairs = sorted(value.values.items())
        return [Entry(v, family_label(value.name, k), node.span, k) for k, v in pairs]
    if isinstance(value, tuple | RangeOf):
        return [Entry(v, str(v), node.span) for v in value]
    return [Entry(value, label_of(node, None) or "0", node.span)]


def family_label(name: str, key: tuple[int, ...]) -> str:
    """How an element of a family is written: `s[0]`, `edge[0, 1, 2]`."""
    return f"{name}[{', '.join(map(str, key))}]"


def _packed(entries: list[Entry]) -> Any:
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
        numbers = [evaluate(i, env) if not isinstance(i, ast.Star) else "*" for i in expr.indices]
        return f"{base}[{', '.join(map(str, numbers))}]"
    return None


def _comprehension(expr: ast.Comprehension, env: Env) -> Any:
    collected: list[Entry] = []
    frame = env.frame
    binding, loops = frame.binding, frame.loops
    try:
        for inner, indices, exists in iterate(expr.generators, expr.condition, env.inner()):
            frame.loops = (*loops, *indices)
            element = expr.element
            if isinstance(element, ast.Conditional) and element.orelse is None:
                if not _known(inner, evaluate(element.condition, inner), element.condition):
                    continue
                element = element.then
            label = label_of(element, inner) or str(len(collected))
            if not isinstance(element, ast.Via):
                frame.binding = f"{binding}[{', '.join(map(str, indices))}]"
            if exists is True:
                value = evaluate(element, inner)
            else:
                value = guarded(inner, exists, lambda e=element, i=inner: evaluate(e, i))
                if isinstance(value, Tensor):
                    value = Tensor(value.id, value.type, symbols.conjunction(exists, value.presence))
            frame.binding = binding
            collected.append(Entry(value, label, element.span))
    finally:
        frame.binding, frame.loops = binding, loops
    return _packed(collected)


def iterate(
    generators: tuple[ast.Generator, ...], condition: ast.Expr | None, env: Env
) -> Iterator[tuple[Env, tuple[int, ...], Any]]:
    """Every combination of loop indices: a scope that binds them, the indices, and the condition of existence."""
    if not generators:
        yes = True if condition is None else _known(env, evaluate(condition, env), condition)
        if yes:
            yield env, (), True
        return
    first = generators[0]
    domain = evaluate(first.domain, env)
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
            yield value, True
        return
    if isinstance(domain, tuple):
        for value in domain:
            yield value, True
        return
    raise env.ctx.fail("not-a-range", f"a loop runs over a range or a list, not {describe(domain)}", node.span)


def _open_range(env: Env, low: int, high: Sym, node: ast.Expr) -> Iterator[tuple[int, Any]]:
    values = symbols.values_of(high, env.ctx.domains)
    if values is None or any(v is None for v in values):
        raise env.ctx.fail("decided-domain", "the values of this loop's end cannot be listed", node.span)
    least, most = min(values), max(values)
    for value in range(low, most + 1):
        yield value, True if value <= least else symbols.binary(">=", high, value)


def _known(env: Env, value: Any, node: ast.Expr) -> bool:
    verdict = env.ctx.decide(value)
    if verdict is None:
        raise env.ctx.fail("undecided-condition", f"whether `{text_of(node)}` holds depends on the genotype", node.span)
    return verdict


def _range(expr: ast.Range, env: Env) -> Any:
    low = evaluate(expr.start, env)
    if expr.stop is None:
        raise env.ctx.fail("open-range", "a range without an end stands only in an index", expr.span)
    high = evaluate(expr.stop, env)
    for value in (low, high):
        if not isinstance(value, int | float | Sym):
            raise env.ctx.fail("not-a-number", f"a range goes between numbers, not {describe(value)}", expr.span)
    return RangeOf(low, high if expr.inclusive else symbols.binary("-", high, 1))


def _binary(expr: ast.Binary, env: Env) -> Any:
    op = expr.op
    left = evaluate(expr.left, env)
    if op in ("and", "or"):
        left = _truth(env, left)
        if left is (op == "or"):
            return left
        right = _truth(env, evaluate(expr.right, env))
        return symbols.conjunction(left, right) if op == "and" else symbols.disjunction(left, right)
    right = evaluate(expr.right, env)
    tensors = (Tensor, Absent)
    if isinstance(left, tensors) and isinstance(right, tensors):
        layer = {"+": "add", "*": "mul"}.get(op)
        if layer is None:
            raise env.ctx.fail("tensor-operator", f"`{op}` does not combine tensors", expr.span, "`+` and `*` do")
        return builtin.combine(env, layer, [left, right], expr.span)
    if isinstance(left, tensors) or isinstance(right, tensors):
        other = right if isinstance(left, tensors) else left
        raise env.ctx.fail("tensor-operator", f"`{op}` combines a tensor with {describe(other)}", expr.span)
    if op in ("in", "not in") and isinstance(right, Family):
        key = left if isinstance(left, tuple) else (left,)
        return (key in right.values) is (op == "in")
    if op in ("in", "not in") and isinstance(right, RangeOf):
        inside = symbols.conjunction(symbols.binary(">=", left, right.low), symbols.binary("<=", left, right.high))
        return inside if op == "in" else symbols.negation(inside)
    for value, side in ((left, expr.left), (right, expr.right)):
        if not isinstance(value, int | float | str | Sym | tuple) and value is not None:
            raise env.ctx.fail("not-a-number", f"`{op}` needs numbers, not {describe(value)}", side.span)
    try:
        return arithmetic.calculate(op, left, right)
    except ShapeError as problem:
        raise env.ctx.fail(problem.code, problem.message, expr.span, problem.hint) from None
    except ZeroDivisionError:
        raise env.ctx.fail("division-by-zero", f"`{text_of(expr)}` divides by zero", expr.span) from None
    except TypeError:
        raise env.ctx.fail(
            "not-a-number", f"`{op}` does not combine {describe(left)} and {describe(right)}", expr.span
        ) from None


def _truth(env: Env, value: Any) -> Any:
    verdict = env.ctx.decide(value) if isinstance(value, Sym) else bool(value)
    return value if verdict is None else verdict


def _unary(expr: ast.Unary, env: Env) -> Any:
    value = evaluate(expr.operand, env)
    if expr.op == "not":
        return symbols.negation(_truth(env, value))
    if not isinstance(value, int | float | Sym | tuple):
        raise env.ctx.fail("not-a-number", f"`-` needs a number, not {describe(value)}", expr.span)
    return arithmetic.calculate("-", 0, value)


def _conditional(expr: ast.Conditional, env: Env) -> Any:
    condition = evaluate(expr.condition, env)
    verdict = env.ctx.decide(condition) if isinstance(condition, Sym) else bool(condition)
    if verdict is not None:
        if verdict:
            return evaluate(expr.then, env)
        return Absent() if expr.orelse is None else evaluate(expr.orelse, env)
    then = guarded(env, condition, lambda: evaluate(expr.then, env))
    otherwise = symbols.negation(condition)
    orelse = Absent() if expr.orelse is None else guarded(env, otherwise, lambda: evaluate(expr.orelse, env))  # type: ignore[arg-type]
    return merge(env, condition, then, orelse, expr.span)


def _call(expr: ast.Call, env: Env) -> Any:
    callee = expr.callee
    if isinstance(callee, ast.Name) and env.scope.find(callee.id) is None:
        if callee.id in builtin.NAMES:
            return builtin.call(expr, callee.id, env)
    if isinstance(callee, ast.Name) and env.scope.find(callee.id) is None and callee.id not in env.ctx.library.names:
        known = env.scope.all_names() | set(env.ctx.library.names) | builtin.NAMES
        raise env.ctx.fail(
            "unknown-name", f"`{callee.id}` is not defined", callee.span, did_you_mean(callee.id, sorted(known))
        )
    target = evaluate(callee, env)
    if isinstance(target, Function):
        return _call_function(expr, target, env)
    if isinstance(target, LayerOperator):
        return _call_operator(expr, target, target.declaration.parameters, env)
    if isinstance(target, OpOperator):
        return _call_operator(expr, target, target.declaration.parameters, env)
    if isinstance(target, Candidates):
        arguments = _arguments(expr, target.declaration.parameters, env)
        bound = bind_parameters(env, target.declaration.name, target.declaration.parameters, arguments, expr.span)
        return Candidates(target.declaration, bound, expr.span)
    raise env.ctx.fail("not-callable", f"{describe(target)} cannot be called", expr.span)


def _call_function(expr: ast.Call, target: Function, env: Env) -> Any:
    arguments = [(a.name, evaluate(a.value, env)) for a in expr.arguments]
    bound = dict(bind_parameters(env, target.name, target.parameters, arguments, expr.span))
    inner = Env(env.ctx, env.frame, Scope(target.scope))
    for parameter in target.parameters:
        if parameter.name in bound:
            inner.scope.names[parameter.name] = bound[parameter.name]
        elif parameter.default is not None:
            inner.scope.names[parameter.name] = evaluate(parameter.default, inner)
        else:
            raise env.ctx.fail("missing-argument", f"`{target.name}` needs `{parameter.name}`", expr.span)
    env.ctx.depth += 1
    try:
        if env.ctx.depth > 64:
            raise env.ctx.fail("recursion", f"`{target.name}` calls itself, directly or through others", expr.span)
        return evaluate(target.body, inner)
    finally:
        env.ctx.depth -= 1


def _arguments(expr: ast.Call, parameters: tuple[ast.Parameter, ...], env: Env) -> list[tuple[str | None, Any]]:
    """Evaluated non-tensor arguments; a word stands for itself where the parameter lists words."""
    values: list[tuple[str | None, Any]] = []
    given = expr.arguments if expr.split is None else expr.arguments[expr.split :]
    by_name = {p.name: p for p in parameters}
    for position, argument in enumerate(given):
        index = position
        parameter = (
            by_name.get(argument.name) if argument.name else parameters[index] if index < len(parameters) else None
        )
        words = parameter.kinds if parameter is not None else ()
        if words and isinstance(argument.value, ast.Name) and env.scope.find(argument.value.id) is None:
            if argument.value.id not in words:
                raise env.ctx.fail(
                    "unknown-word",
                    f"`{parameter.name if parameter else ''}` is one of {', '.join(words)}, not `{argument.value.id}`",
                    argument.value.span,
                    did_you_mean(argument.value.id, words),
                )
            values.append((argument.name, argument.value.id))
        else:
            values.append((argument.name, evaluate(argument.value, env)))
    return values


def _call_operator(
    expr: ast.Call, target: LayerOperator | OpOperator, parameters: tuple[ast.Parameter, ...], env: Env
) -> Any:
    tensors: list[Any] = []
    if expr.split is not None:
        for argument in expr.arguments[: expr.split]:
            value = evaluate(argument.value, env)
            tensors.extend(builtin.tensors_of(env, value, argument.value))
    arguments = _arguments(expr, parameters, env)
    if expr.split is None:
        while arguments and arguments[0][0] is None and isinstance(arguments[0][1], Tensor | Absent | Items):
            tensors.extend(builtin.tensors_of(env, arguments.pop(0)[1], expr))
    for (_, value), argument in zip(arguments, expr.arguments[-len(arguments) :] if arguments else (), strict=False):
        if isinstance(value, Tensor | Multiple):
            raise env.ctx.fail("tensor-argument", "a tensor stands among the numbers", argument.span,
                               "tensors come before `;`, or are piped in")  # fmt: skip
    before = [(k, v) for k, v in target.arguments]
    names = [p.name for p in parameters if p.name not in dict(before)]
    remaining = [p for p in parameters if p.name in names or any(a == p.name for a, _ in arguments)]
    try:
        bound = bind_parameters(env, target.name, remaining or parameters, arguments, expr.span)
    except Exception as failure:
        raise _with_declaration(failure, target) from None
    merged = {**dict(before), **dict(bound)}
    if isinstance(target, LayerOperator):
        operator: Any = LayerOperator(
            target.declaration, tuple(merged.items()), expr.span, _size_source(merged) or target.sizes_like
        )
    else:
        operator = OpOperator(target.declaration, tuple(merged.items()), expr.span, target.cell, target.is_fresh)
    return apply(env, operator, tensors, expr.span) if tensors else operator


def _with_declaration(failure: Exception, target: LayerOperator | OpOperator) -> Exception:
    from dataclasses import replace

    from nascompile.diagnostics import NasError

    if not isinstance(failure, NasError):
        return failure
    label = Label(target.declaration.span, "declared here")
    return NasError([replace(d, secondary=(*d.secondary, label)) for d in failure.diagnostics])


def _size_source(arguments: dict[str, Any]) -> Tensor | None:
    for value in arguments.values():
        if isinstance(value, SizeOf):
            return value.source
    return None


def _index(expr: ast.Index, env: Env) -> Any:
    base = evaluate(expr.base, env)
    found = _lookup(expr, base, env)
    if found is not None:
        return found
    raise env.ctx.fail("unknown-index", f"`{label_of(expr, env) or text_of(expr)}` is not defined here", expr.span,
                       "write `?` behind it where it may be absent")  # fmt: skip


def _lookup(expr: ast.Index, base: Any, env: Env) -> Any:
    """The element, or None when there is none."""
    parts = expr.indices
    if len(parts) == 1 and isinstance(parts[0], ast.Range) and parts[0].stop is None:
        start = evaluate(parts[0].start, env)
        return _slice(base, start, expr, env)
    wild = [isinstance(p, ast.Star) for p in parts]
    numbers = tuple(None if w else evaluate(p, env) for p, w in zip(parts, wild, strict=True))
    if isinstance(base, Family):
        if any(wild):
            return _selection(base, numbers, wild, expr)
        value = base.values.get(tuple(numbers))
        if value is POISON:
            raise Poisoned
        return value
    if isinstance(base, Items):
        if any(wild) or base.entries and base.entries[0].key is not None:
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
        return _packed([Entry(v, family_label(base.name, k), expr.span, k) for k, v in chosen])
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


def _maybe(expr: ast.Maybe, env: Env) -> Any:
    if not isinstance(expr.base, ast.Index):
        return evaluate(expr.base, env)
    base = evaluate(expr.base.base, env)
    found = _lookup(expr.base, base, env)
    return Absent() if found is None else found


def _fresh(expr: ast.Fresh, env: Env) -> Any:
    call = expr.call
    if isinstance(call, ast.Call):
        target = evaluate(call.callee, env)
        if isinstance(target, OpOperator) and target.cell is not None:
            own = OpOperator(target.declaration, target.arguments, target.span, target.cell, True)
            return _call_operator(call, own, target.declaration.parameters, env)
    raise env.ctx.fail("fresh-cell", "`fresh` stands before the call of a cell", expr.span)


def _pipe(expr: ast.Pipe, env: Env) -> Any:
    value = evaluate(expr.stages[0], env)
    rest = expr.stages[1:]
    if isinstance(value, OPERATORS):
        return Chain((value, *(_stage(env, stage) for stage in rest)), expr.span)
    for stage in rest:
        inputs = builtin.tensors_of(env, value, expr.stages[0])
        value = apply(env, _stage(env, stage), inputs, stage.span)
    return value


def _stage(env: Env, stage: ast.Expr) -> Any:
    operator = evaluate(stage, env)
    if isinstance(operator, OPERATORS):
        return operator
    hint = None
    if isinstance(operator, Candidates):
        hint = "`-> pick one of ...` decides among candidates"
    raise env.ctx.fail("not-an-operator", f"`->` needs an operator, not {describe(operator)}", stage.span, hint)


def _pick(expr: ast.Pick, env: Env) -> Any:
    ctx = env.ctx
    source = evaluate(expr.source, env)
    if expr.count == "one":
        if isinstance(source, RangeOf | tuple):
            return picks.pick_number(env, source, expr)
        if isinstance(source, Candidates):
            return picks.picked(env, source, expr)
        if isinstance(source, Items) and all(isinstance(e.value, OPERATORS) for e in source.entries):
            return picks.picked(env, source, expr)
        count: int | None = 1
    elif expr.count == "some":
        count = None
    else:
        number = evaluate(expr.count, env)
        if not isinstance(number, int):
            raise ctx.fail("pick-count", f"`pick` takes a whole number, not {describe(number)}", expr.count.span)
        count = number
    if isinstance(source, Family):
        source = Items(tuple(_entries(source, expr.source)))
    if not isinstance(source, Items):
        raise ctx.fail("no-candidates", f"{describe(source)} holds nothing to pick from", expr.source.span)
    return picks.pick_edges(env, source, expr, count)


def _via(expr: ast.Via, env: Env) -> Any:
    value = evaluate(expr.value, env)
    if not isinstance(value, Tensor | Absent):
        raise env.ctx.fail("not-a-tensor", f"{describe(value)} cannot go through operators", expr.value.span)
    operators = evaluate(expr.operators, env)
    if not isinstance(operators, Candidates | Items):
        raise env.ctx.fail(
            "not-candidates", f"`via` needs a list of operators, not {describe(operators)}", expr.operators.span
        )
    return Edge(value, operators, expr.attributes, picks.tied_name(env, expr.attributes), expr.span)


def _absent(expr: ast.Absent, env: Env) -> Any:
    return Absent()


def _member(expr: ast.Member, env: Env) -> Any:
    raise env.ctx.fail("not-a-member", f"`{text_of(expr)}` means nothing here", expr.span)


def _star(expr: ast.Star, env: Env) -> Any:
    raise env.ctx.fail("open-range", "`*` stands only in an index", expr.span)


_HANDLERS: dict[type, Callable[[Any, Env], Any]] = {
    ast.Name: _name,
    ast.Number: _literal,
    ast.Boolean: _literal,
    ast.String: _literal,
    ast.Quantity: _quantity,
    ast.Absent: _absent,
    ast.Star: _star,
    ast.List: _list,
    ast.Comprehension: _comprehension,
    ast.Range: _range,
    ast.Binary: _binary,
    ast.Unary: _unary,
    ast.Conditional: _conditional,
    ast.Call: _call,
    ast.Index: _index,
    ast.Member: _member,
    ast.Maybe: _maybe,
    ast.Fresh: _fresh,
    ast.Pipe: _pipe,
    ast.Pick: _pick,
    ast.Via: _via,
}
