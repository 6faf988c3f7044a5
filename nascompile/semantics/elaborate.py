"""The one elaborator: a space's text becomes a program, with its decisions open or bound by a genotype."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nascompile.diagnostics import Diagnostic, NasError, did_you_mean, error
from nascompile.ir import symbols
from nascompile.ir.program import CallNode, Decision, GateNode, Graph, MixNode, Program, TensorType
from nascompile.semantics.connectivity import attach_to_edges, expand_connected
from nascompile.semantics.context import Context, Env, Frame
from nascompile.semantics.expressions import evaluate
from nascompile.semantics.measures import attach_measures
from nascompile.semantics.modules import Library, name_span
from nascompile.semantics.outputs import Named
from nascompile.semantics.parameters import bind_defaults, bind_parameters
from nascompile.semantics.requirements import settle
from nascompile.semantics.statements import run_body
from nascompile.semantics.values import Absent, Multiple, Poisoned, Scope, Tensor, describe
from nascompile.source import Span
from nascompile.syntax import nodes as ast

DIAGNOSTIC_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Request:
    """What to elaborate: a space with arguments, for an input of `(channels, *spatial)`.

    `binding` maps decision paths to values; None leaves them open. `is_fixed` is the boolean `fixed` of the text.
    `candidates` maps decision paths to what a narrowing leaves: only that is built, and a dropped edge is absent.
    """

    space: str
    arguments: Mapping[str, Any]
    input: tuple[int, ...]
    binding: Mapping[str, Any] | None = None
    is_fixed: bool = False
    span: Span | None = None
    candidates: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


def elaborate(library: Library, request: Request) -> Program:
    """Elaborate a space. Raises NasError with up to 20 diagnostics."""
    declaration = library.names.get(request.space)
    if not isinstance(declaration, ast.OpDecl) or declaration.kind != "space":
        hint = did_you_mean(request.space, library.spaces)
        raise error("unknown-space", f"there is no space `{request.space}`", request.span, hint=hint)
    ctx = Context(
        library, evaluate, run_body, request.binding, request.is_fixed, len(request.input) - 1, request.candidates
    )
    type_ = TensorType(tuple(request.input))
    frame = Frame(request.space, "")
    value = Tensor(frame.value(type_), type_)
    try:
        scope = _arguments(ctx, frame, declaration, request, value)
        result = run_body(declaration.body, Env(ctx, frame, scope))
        graph = _finish(ctx, frame, declaration, value, result)
        ctx.diagnostics.extend(settle(ctx))
    except NasError as failure:
        follows = all(d.code in ("absent-output", "absent-operand") for d in failure.diagnostics)
        raise _failure([*ctx.diagnostics, *((follows and _undecided(ctx)) or failure.diagnostics)]) from None
    except Poisoned:
        raise _failure(ctx.diagnostics) from None
    except RecursionError:
        message = f"`{request.space}` nests operators or numbers too deeply"
        raise error("too-large", message, name_span(declaration)) from None
    _check_binding(ctx, request, declaration)
    ctx.diagnostics.extend(_undecided(ctx))
    if ctx.diagnostics:
        raise _failure(ctx.diagnostics)
    known = _without_lost(graph, ctx) if request.candidates and request.binding is None else ctx.decisions
    decisions = attach_to_edges(graph, known)
    limits = tuple(c for c in ctx.constraints if symbols.is_costly(c.condition))
    others = [c for c in ctx.constraints if not symbols.is_costly(c.condition)]
    constraints = expand_connected(others, ctx.gate_sources, decisions)
    arguments = {p.name: scope.names[p.name] for p in declaration.parameters}
    return Program(request.space, graph, decisions, constraints, type_, request.is_fixed, arguments, limits)


def _without_lost(graph: Graph, ctx: Context) -> dict[str, Decision]:
    """The decisions without those that went with the edges that a narrowing drops."""
    left: set[str] = set()
    pending, seen = [graph], {id(graph)}
    while pending:
        for node in pending.pop().nodes:
            if isinstance(node, MixNode | GateNode):
                left.add(node.decision)
            elif isinstance(node, CallNode) and id(node.graph) not in seen:
                seen.add(id(node.graph))
                pending.append(node.graph)
    return {path: d for path, d in ctx.decisions.items() if path in left or path not in ctx.mixed}


def _undecided(ctx: Context) -> list[Diagnostic]:
    """Operators that the genotype leaves out although no dropped edge excuses them."""
    return [diagnostic for missing in ctx.undecided.values() for diagnostic in missing.diagnostics]


def _failure(diagnostics: list[Diagnostic]) -> NasError:
    seen: set[Any] = set()
    unique = []
    for d in diagnostics:
        key = (d.code, d.message, None if d.primary is None else (d.primary.span.source.name, d.primary.span.start))
        if key not in seen:
            seen.add(key)
            unique.append(d)
    return NasError(sorted(unique, key=Diagnostic.sort_key)[:DIAGNOSTIC_LIMIT])


def _arguments(ctx: Context, frame: Frame, declaration: ast.OpDecl, request: Request, value: Tensor) -> Scope:
    span = request.span or declaration.span
    given = list(request.arguments.items())
    bound = dict(bind_parameters(Env(ctx, frame, Scope()), declaration.name, declaration.parameters, given, span))
    scope = Scope()
    scope.names[declaration.tensors[0].name if declaration.tensors else "x"] = value
    bind_defaults(Env(ctx, frame, scope), declaration.name, declaration.parameters, bound, span)
    return scope


def _finish(ctx: Context, frame: Frame, declaration: ast.OpDecl, value: Tensor, result: Any) -> Graph:
    if isinstance(result, Named):
        outputs = tuple((name, t.id) for name, t in result.tensors.items())
    elif isinstance(result, Tensor):
        outputs = (("out", result.id),)
    elif isinstance(result, Multiple):
        outputs = tuple((f"out[{i}]", t.id) for i, t in enumerate(result.tensors))
    elif isinstance(result, Absent):
        raise ctx.fail("absent-output", f"the output of `{declaration.name}` is absent", name_span(declaration))
    else:
        what = "nothing" if result is None else describe(result)
        raise ctx.fail(
            "no-result", f"`{declaration.name}` gives {what}", name_span(declaration),
            "end with the expression of its output, or `outputs name = ...`",
        )  # fmt: skip
    attach_measures(Env(ctx, frame, Scope()), frame, result, name_span(declaration))
    if not outputs:
        raise ctx.fail("no-result", f"`{declaration.name}` has no output", name_span(declaration))
    return frame.finish((value.id,), outputs)


def _check_binding(ctx: Context, request: Request, declaration: ast.OpDecl) -> None:
    """Paths of the genotype that are no decisions of this space are mistakes."""
    if request.binding is None:
        return
    for path in request.binding:
        if path not in ctx.bound_used and path not in ctx.decisions and not path.startswith("?"):
            hint = did_you_mean(path, ctx.decisions)
            ctx.diagnostics.extend(
                error(
                    "unknown-decision", f"`{declaration.name}` has no decision `{path}`", request.span, hint=hint
                ).diagnostics
            )


__all__ = ["Request", "elaborate", "replace"]
