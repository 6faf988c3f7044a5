"""Decisions: pick one of operators, numbers or tensors; pick k or some of edges. Bound ones are evaluated away."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from nascompile.diagnostics import Label, did_you_mean
from nascompile.ir import symbols
from nascompile.ir.program import Decision, GateNode, MixNode
from nascompile.ir.symbols import Sym
from nascompile.semantics.context import Env, Frame
from nascompile.semantics.operators import apply, bind_parameters, guarded, phantom
from nascompile.semantics.values import (
    OPERATORS,
    Absent,
    Candidates,
    Edge,
    Entry,
    Items,
    PickedOperator,
    RangeOf,
    Scope,
    Tensor,
    describe,
)
from nascompile.source import Span
from nascompile.syntax import nodes as ast


def decision_path(frame: Frame, attributes: ast.Attributes) -> str:
    """Prefix of the frame, loop indices, and the name that the statement binds or `as` gives; empty if unnamed."""
    if attributes.alias is not None:
        name = attributes.alias + (f"[{', '.join(map(str, frame.loops))}]" if frame.loops else "")
    else:
        name = frame.binding
    return f"{frame.prefix}.{name}" if frame.prefix and name else name


def _path(env: Env, attributes: ast.Attributes, span: Span) -> str:
    path = decision_path(env.frame, attributes)
    if not path or path == env.frame.prefix:
        raise env.ctx.fail(
            "unnamed-decision",
            "this decision is bound to no name",
            span,
            "bind it (`y = ...`) or name it: `pick ... as NAME`",
        )
    return path


def pick_number(env: Env, source: Any, node: ast.Pick) -> Any:
    """`pick one of [8, 16]`, of a range of integers, or of an interval of reals."""
    ctx = env.ctx
    path = _path(env, node.attributes, node.span)
    interval: tuple[float, float] | None = None
    if isinstance(source, RangeOf):
        if isinstance(source.low, Sym) or isinstance(source.high, Sym):
            raise ctx.fail("decided-domain", "the range of a decision cannot depend on another decision", node.span)
        if source.is_real:
            interval = (float(source.low), float(source.high))
            candidates: tuple[Any, ...] = ()
        else:
            candidates = tuple(source)
    else:
        candidates = tuple(source)
    if (interval is None and not candidates) or (interval is not None and interval[0] > interval[1]):
        raise ctx.fail("no-candidates", f"`{path}` has nothing to pick from", node.span)
    if len(set(candidates)) != len(candidates):
        raise ctx.fail("duplicate-candidate", f"`{path}` lists a candidate twice", node.span)
    _declare(env, path, "number", candidates, node, interval=interval)
    if ctx.binding is None:
        return candidates[0] if len(candidates) == 1 else Sym("ref", (path,))
    value = _bound(env, path, node.span)
    inside = interval[0] <= value <= interval[1] if interval and not isinstance(value, str) else value in candidates
    if not inside:
        shown = f"{interval[0]} .. {interval[1]}" if interval else ", ".join(map(str, candidates))
        raise ctx.fail("not-a-candidate", f"`{path}` is {value}, which is none of {shown}", node.span)
    return value


def _declare(
    env: Env,
    path: str,
    kind: Any,
    candidates: tuple[Any, ...],
    node: ast.Pick | ast.Via | PickedOperator,
    *,
    count: int | None = 1,
    interval: tuple[float, float] | None = None,
    relax: str | None = None,
    slot: bool = False,
    tied: str | None = None,
    never: frozenset[str] = frozenset(),
) -> None:
    ctx, attributes = env.ctx, node.attributes
    if path in ctx.decisions and ctx.decisions[path].origin.span != node.span:
        raise ctx.fail(
            "unnamed-decision",
            f"two decisions are called `{path}`",
            node.span,
            "name one of them: `pick ... as NAME`",
            Label(ctx.decisions[path].origin.span, "the other one"),
        )
    ctx.declare(
        Decision(
            path,
            kind,
            candidates,
            ctx.origin(node.span),
            count,
            interval,
            never,
            relax or attributes.relax or "softmax",  # type: ignore[arg-type]
            attributes.decode or "likeliest",  # type: ignore[arg-type]
            tied,
            ctx.parents[-1],
            ctx.exists(),
            slot,
        )
    )


def _bound(env: Env, path: str, span: Span) -> Any:
    assert env.ctx.binding is not None
    if path not in env.ctx.binding:
        raise env.ctx.fail("missing-decision", f"the genotype does not decide `{path}`", span)
    env.ctx.bound_used.add(path)
    return env.ctx.binding[path]


def labelled(env: Env, source: Any, tensor: Tensor | Absent | None, span: Span) -> list[tuple[str, Any, Scope | None]]:
    """The candidates of a pick: label, operator (or its expression), and the scope to evaluate it in."""
    if isinstance(source, Candidates):
        declaration = source.declaration
        scope = Scope()
        for parameter in declaration.tensors:
            scope.names[parameter.name] = tensor
        given = dict(source.arguments)
        inner = Env(env.ctx, env.frame, scope)
        for parameter in declaration.parameters:
            if parameter.name in given:
                scope.names[parameter.name] = given[parameter.name]
            elif parameter.default is not None:
                scope.names[parameter.name] = inner.evaluate(parameter.default)
            else:
                raise env.ctx.fail(
                    "missing-argument", f"`{declaration.name}` needs `{parameter.name}`", source.span, None,
                    Label(parameter.span, "declared here"),
                )  # fmt: skip
        found: list[tuple[str, Any, Scope | None]] = []
        for candidate in declaration.candidates:
            if candidate.condition is not None:
                wanted = inner.evaluate(candidate.condition)
                if isinstance(wanted, Sym):
                    raise env.ctx.fail("decided-domain", "a candidate cannot depend on a decision", candidate.span)
                if not wanted:
                    continue
            label = candidate.label or _name_of(candidate.value)
            if label is None:
                raise env.ctx.fail(
                    "unnamed-candidate", "this candidate needs a label", candidate.span, "`label: operator`"
                )
            found.append((label, candidate.value, scope))
        _check_labels(env, [label for label, _, _ in found], declaration.span)
        return found
    if isinstance(source, Items):
        entries = [(e.label, e.value, None) for e in source.entries]
        _check_labels(env, [label for label, _, _ in entries], span)
        return entries
    raise env.ctx.fail("not-candidates", f"{describe(source)} is no list of operators", span)


def _check_labels(env: Env, labels: list[str], span: Span) -> None:
    if not labels:
        raise env.ctx.fail("no-candidates", "there is nothing to pick from", span)
    for label in labels:
        if labels.count(label) > 1:
            raise env.ctx.fail("duplicate-candidate", f"two candidates are called `{label}`", span, "label them apart")


def _name_of(expr: ast.Expr) -> str | None:
    if isinstance(expr, ast.Name):
        return expr.id
    if isinstance(expr, ast.Call):
        return _name_of(expr.callee)
    return None


def picked(env: Env, source: Any, node: ast.Pick) -> PickedOperator:
    """`pick one of OPS`, an operator whose decision is named by the running statement."""
    path = _path(env, node.attributes, node.span)
    return PickedOperator(source, (), path, node.attributes, tied_name(env, node.attributes), node.span)


def tied_name(env: Env, attributes: ast.Attributes) -> str | None:
    """The name of the architecture parameters that `tied NAME[i, j]` shares."""
    tied = attributes.tied
    if tied is None:
        return None
    indices: tuple[ast.Expr, ...] = ()
    if isinstance(tied, ast.Index):
        tied, indices = tied.base, tied.indices
    if isinstance(tied, ast.Name):
        scope = env.scope.find(tied.id)
        name = tied.id if scope is None else scope.names[tied.id]
    elif isinstance(tied, ast.String):
        name = tied.value
    else:
        name = None
    if not isinstance(name, str):
        raise env.ctx.fail("tied-name", "`tied` takes a name or a word parameter, with indices", tied.span)
    numbers = [env.evaluate(i) for i in indices]
    return f"{name}[{', '.join(map(str, numbers))}]" if numbers else name


def apply_picked(env: Env, operator: PickedOperator, inputs: Any) -> Any:
    """Apply an operator decision to its tensor."""
    return choose_operator(env, operator.path, operator.source, inputs[0], operator, operator.tied)


def choose_operator(
    env: Env,
    path: str,
    source: Any,
    value: Tensor | Absent,
    node: ast.Pick | ast.Via | PickedOperator,
    tied: str | None,
    *,
    slot: bool = False,
) -> Any:
    """The mixture of the candidates in an open space, the chosen one's output under a genotype."""
    ctx, frame, span = env.ctx, env.frame, node.span
    tensor = value
    if isinstance(value, Absent):
        stand_in = phantom(env, value)
        if stand_in is None:
            raise ctx.fail("absent-operand", "nothing is known of the tensor that this decision is applied to", span)
        tensor = stand_in
    assert isinstance(tensor, Tensor)
    candidates = labelled(env, source, tensor, span)
    labels = tuple(label for label, _, _ in candidates)
    never = frozenset((node.attributes.never,)) if node.attributes.never in labels else frozenset()
    if node.attributes.never is not None and not never and not slot:
        raise ctx.fail(
            "unknown-candidate", f"`never {node.attributes.never}` names no candidate", span,
            did_you_mean(node.attributes.never, labels),
        )  # fmt: skip
    _declare(env, path, "op", labels, node, slot=slot, tied=tied, never=never)
    outer_binding, was_dead = frame.binding, frame.is_dead
    frame.is_dead = was_dead or isinstance(value, Absent)
    try:
        if ctx.binding is not None:
            chosen = _bound(env, path, span)
            if chosen not in labels or chosen in never:
                legal = [label for label in labels if label not in never]
                raise ctx.fail(
                    "not-a-candidate", f"`{path}` is `{chosen}`, which is none of {', '.join(legal)}", span,
                    did_you_mean(str(chosen), legal),
                )  # fmt: skip
            label, expr, scope = candidates[labels.index(chosen)]
            frame.binding = f"{outer_binding}.{label}"
            result = _apply_candidate(env, expr, scope, tensor, span)
        elif frame.is_dead and not was_dead:
            return Absent(value.type)  # a supernet builds nothing on an absent edge; the decision is shared
        else:
            result = _mixture(env, path, candidates, tensor, node, outer_binding)
    finally:
        frame.binding, frame.is_dead = outer_binding, was_dead
    if isinstance(value, Absent):
        return Absent(result.type)
    return result


def _apply_candidate(env: Env, expr: Any, scope: Scope | None, tensor: Tensor, span: Span) -> Any:
    if scope is not None:
        inner = Env(env.ctx, env.frame, scope)
        operator, span = inner.evaluate(expr), expr.span
        if isinstance(operator, Tensor | Absent):
            return operator
    else:
        operator = expr
    return apply(env, operator, (tensor,), span)


def _mixture(
    env: Env,
    path: str,
    candidates: list[tuple[str, Any, Scope | None]],
    tensor: Tensor,
    node: ast.Pick | ast.Via | PickedOperator,
    binding: str,
) -> Tensor:
    ctx, frame = env.ctx, env.frame
    outputs: list[Tensor] = []
    for label, expr, scope in candidates:
        frame.binding = f"{binding}.{label}"
        ctx.parents.append((path, label))
        try:
            output = _apply_candidate(env, expr, scope, tensor, node.span)
        finally:
            ctx.parents.pop()
        if not isinstance(output, Tensor):
            raise ctx.fail("not-a-tensor", f"candidate `{label}` gives {describe(output)}", node.span)
        outputs.append(output)
    first = outputs[0]
    for (label, _, _), output in zip(candidates, outputs, strict=True):
        if ctx.decide(_same_type(output, first)) is False:
            raise ctx.fail(
                "candidates-differ",
                f"candidates differ: `{candidates[0][0]}` gives {first.type}, `{label}` gives {output.type}",
                node.span,
                "give every candidate the same channels and stride; sides must divide evenly",
            )
    frame.binding = binding
    value = frame.value(first.type)
    labels = tuple(label for label, _, _ in candidates)
    frame.nodes.append(
        MixNode(
            path, labels, tuple(o.id for o in outputs), (value,), frame.unique("mix"), ctx.origin(node.span),
            frame.guard(),
        )
    )  # fmt: skip
    return Tensor(value, first.type, tensor.presence)


def _same_type(a: Tensor, b: Tensor) -> Any:
    if len(a.type.axes) != len(b.type.axes):
        return False
    pairs = zip(a.type.axes, b.type.axes, strict=True)
    return symbols.conjunction(*(symbols.binary("==", x, y) for x, y in pairs if x is not None and y is not None))


def pick_edges(env: Env, source: Items, node: ast.Pick, count: int | None) -> Items:
    """`pick k of` or `pick some of` edges; also `pick one of` tensors."""
    ctx, frame = env.ctx, env.frame
    path = _path(env, node.attributes, node.span)
    labels = tuple(e.label for e in source.entries)
    _check_labels(env, list(labels), node.span)
    if count is not None and not 1 <= count <= len(labels):
        raise ctx.fail(
            "pick-count", f"`{path}` picks {count} of {len(labels)} edges", node.span, f"pick 1 to {len(labels)}"
        )
    only_one = node.count == "one"
    relax = node.attributes.relax or ("softmax" if only_one else "none" if count is not None else "bernoulli")
    _declare(env, path, "edges", labels, node, count=count, relax=relax, tied=tied_name(env, node.attributes))
    _check_never(env, source, node)
    kept: tuple[Any, ...] | None = None
    if ctx.binding is not None:
        kept = _bound_edges(env, path, labels, count, node)
    binding = frame.binding
    chosen: list[Entry] = []
    try:
        for entry in source.entries:
            if kept is not None and entry.label not in kept:
                chosen.append(Entry(Absent(_type_of(entry.value)), entry.label, entry.span, entry.key))
                continue
            frame.binding = f"{binding}.{entry.label}"
            ctx.parents.append((path, entry.label))
            try:
                value = _edge_value(env, entry, path)
            finally:
                ctx.parents.pop()
            if kept is None and isinstance(value, Tensor):
                value = _gate(env, path, entry, value)
            chosen.append(Entry(value, entry.label, entry.span, entry.key))
    finally:
        frame.binding = binding
    return Items(tuple(chosen), path)


def _check_never(env: Env, source: Items, node: ast.Pick) -> None:
    for entry in source.entries:
        never = entry.value.attributes.never if isinstance(entry.value, Edge) else None
        if never is None:
            continue
        known: set[str] = set()
        for other in source.entries:
            if isinstance(other.value, Edge) and isinstance(other.value.operators, Candidates):
                declared = other.value.operators.declaration.candidates
                known |= {c.label or _name_of(c.value) or "" for c in declared}
        if known and never not in known and len(source.entries) > 1 and not _known_anywhere(env, never):
            raise env.ctx.fail("unknown-candidate", f"`never {never}` names no candidate", entry.value.span,
                               did_you_mean(never, known))  # fmt: skip


def _known_anywhere(env: Env, label: str) -> bool:
    declared = env.ctx.library.names.values()
    return any(isinstance(d, ast.OpsDecl) and any(c.label == label for c in d.candidates) for d in declared)


def _type_of(value: Any) -> Any:
    if isinstance(value, Edge):
        return None
    return value.type if isinstance(value, Tensor | Absent) else None


def _edge_value(env: Env, entry: Entry, path: str) -> Tensor | Absent:
    value = entry.value
    if isinstance(value, Edge):
        result = choose_operator(
            env, f"{path}.{entry.label}", value.operators, value.value, _via_node(value), value.tied, slot=True
        )
        assert isinstance(result, Tensor | Absent)
        return result
    if not isinstance(value, Tensor | Absent):
        raise env.ctx.fail("not-a-tensor", f"{describe(value)} cannot be an edge", entry.span)
    return value


def _via_node(edge: Edge) -> ast.Via:
    name = ast.Name("edge", span=edge.span)
    return ast.Via(name, name, edge.attributes, span=edge.span)


def _gate(env: Env, path: str, entry: Entry, value: Tensor) -> Tensor:
    frame = env.frame
    out = frame.value(value.type)
    frame.nodes.append(
        GateNode(
            path, entry.label, (value.id,), (out,), frame.unique("gate"), env.ctx.origin(entry.span), frame.guard()
        )
    )
    env.ctx.gate_sources[path, entry.label] = value.presence
    return Tensor(out, value.type, Sym("kept", (path, entry.label)))


def _bound_edges(env: Env, path: str, labels: tuple[str, ...], count: int | None, node: ast.Pick) -> tuple[Any, ...]:
    ctx = env.ctx
    kept = _bound(env, path, node.span)
    kept = (kept,) if isinstance(kept, str) else tuple(kept)
    for label in kept:
        if label not in labels:
            raise ctx.fail(
                "not-a-candidate", f"`{path}` keeps `{label}`, which is none of {', '.join(labels)}", node.span,
                did_you_mean(str(label), labels),
            )  # fmt: skip
    if len(set(kept)) != len(kept):
        raise ctx.fail("duplicate-candidate", f"`{path}` keeps an edge twice", node.span)
    if (count is None and not kept) or (count is not None and len(kept) != count):
        wanted = "at least one edge" if count is None else f"{count} edges"
        raise ctx.fail("pick-count", f"`{path}` keeps {len(kept)} edges; it picks {wanted}", node.span)
    return kept


def subsets(labels: tuple[Any, ...], count: int | None) -> list[tuple[Any, ...]]:
    """Every legal subset, in text order of its members: of `count` members, or any non-empty one."""
    if count is not None:
        return list(combinations(labels, count))
    return [s for size in range(1, len(labels) + 1) for s in combinations(labels, size)]


__all__ = [
    "OPERATORS",
    "bind_parameters",
    "choose_operator",
    "guarded",
    "pick_edges",
    "pick_number",
    "picked",
    "subsets",
]
