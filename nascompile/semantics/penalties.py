"""What is wrong with the `penalty` of a search: terms, decisions and measures that its space does not have."""

from __future__ import annotations

from collections.abc import Iterator

from nascompile.diagnostics import Diagnostic, Label, did_you_mean
from nascompile.ir.program import CallNode, Decision, Graph, LayerNode, Program
from nascompile.ir.symbols import COSTS
from nascompile.semantics.connectivity import shared_nodes
from nascompile.source import Span
from nascompile.syntax import nodes as ast

FUNCTIONS = ("abs", "consistency", "entropy", "expected", "ramp")
"""`abs` and `ramp` change a term; the others are terms of the architecture."""

PREFIXES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def check_penalty(expr: ast.Expr, program: Program) -> list[Diagnostic]:
    """Every mistake of a penalty for an open space: `not-a-term`, `unknown-term`, `unknown-decision`,
    `unknown-measure`, `not-connected`. What it finds is what `search.oneshot.penalty` refuses."""
    found = list(_mistakes(expr, program))
    if not found and not any(_terms(expr)):
        hint = f"a penalty has one of {', '.join(f'`{f}`' for f in FUNCTIONS[1:4])} in it"
        found.append(_at(expr, "not-a-term", f"`{expr.span.text}` does not depend on the architecture", hint))
    return found


def relaxed_family(program: Program, name: str) -> list[Decision]:
    """The relaxed decisions called `name`, or `name[...]`, in text order."""
    paths = [p for p in program.decisions if p == name or p.startswith((f"{name}[", f"{name}."))]
    return [d for d in map(program.decisions.__getitem__, paths) if _is_relaxed(d)]


def _is_relaxed(decision: Decision) -> bool:
    return decision.kind != "number" and not (decision.kind == "edges" and decision.relax == "none")


def _at(expr: ast.Expr, code: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code, message, Label(expr.span), (), hint)


def _terms(expr: ast.Expr) -> Iterator[bool]:
    """True for each term of the architecture in an expression without mistakes."""
    if isinstance(expr, ast.Call) and isinstance(expr.callee, ast.Name):
        if expr.callee.id not in ("abs", "ramp"):
            yield True
        else:
            yield from _terms(expr.arguments[0].value)
    elif isinstance(expr, ast.Unary):
        yield from _terms(expr.operand)
    elif isinstance(expr, ast.Binary):
        yield from _terms(expr.left)
        yield from _terms(expr.right)


def _mistakes(expr: ast.Expr, program: Program) -> Iterator[Diagnostic]:
    if isinstance(expr, ast.Number) or (isinstance(expr, ast.Quantity) and expr.unit in PREFIXES):
        return
    if isinstance(expr, ast.Unary) and expr.op == "-":
        yield from _mistakes(expr.operand, program)
    elif isinstance(expr, ast.Binary) and expr.op in ("+", "-", "*", "/"):
        yield from _mistakes(expr.left, program)
        yield from _mistakes(expr.right, program)
    elif isinstance(expr, ast.Call) and isinstance(expr.callee, ast.Name):
        yield from _of_call(expr, expr.callee.id, program)
    else:
        hint = "write a sum of terms such as `0.1 * entropy(kept)` or `expected(macs) / 1G`"
        yield _at(expr, "not-a-term", f"`{expr.span.text}` is no term of a penalty", hint)


def _of_call(expr: ast.Call, function: str, program: Program) -> Iterator[Diagnostic]:
    if function not in FUNCTIONS:
        hint = did_you_mean(function, FUNCTIONS) or f"terms are {', '.join(FUNCTIONS)}"
        yield _at(expr.callee, "unknown-term", f"there is no term `{function}`", hint)
        return
    plain = [a.value for a in expr.arguments if a.name is None]
    named = {a.name: a.value for a in expr.arguments if a.name is not None}
    if len(plain) != 1 or set(named) - ({"all"} if function == "expected" else set()):
        hint = "write `expected(ram)` or `expected(ram, all = kept)`" if function == "expected" else "it takes one"
        yield _at(expr, "not-a-term", f"`{function}` takes other arguments than these", hint)
    elif function in ("abs", "ramp"):
        yield from _mistakes(plain[0], program)
    elif function == "expected":
        yield from _measure(plain[0], program)
        if "all" in named:
            yield from _decisions(named["all"], program)
    else:
        wrong = list(_decisions(plain[0], program))
        yield from wrong
        if function == "consistency" and not wrong:
            yield from _connection(plain[0], program)


def _measure(expr: ast.Expr, program: Program) -> Iterator[Diagnostic]:
    if latency_target(expr) is not None:
        return
    name = name_of(expr)
    known = set(_measures(program.graph, set()))
    if name is None:
        yield _at(expr, "not-a-term", f"`{expr.span.text}` is no name of a measure", "write `expected(macs)`")
    elif name not in COSTS and name not in known:
        hint = did_you_mean(name, [*COSTS, *sorted(known)]) or "an operator says `measure NAME = ...`"
        yield _at(expr, "unknown-measure", f"nothing measures `{name}`", hint)


def _measures(graph: Graph, seen: set[int]) -> Iterator[str]:
    if id(graph) in seen:
        return
    seen.add(id(graph))
    for node in graph.nodes:
        if isinstance(node, LayerNode):
            yield from node.measures
        elif isinstance(node, CallNode):
            yield from _measures(node.graph, seen)


def _decisions(expr: ast.Expr, program: Program) -> Iterator[Diagnostic]:
    name = name_of(expr)
    if name is None:
        yield _at(expr, "not-a-term", f"`{expr.span.text}` is no name of decisions", "write `kept`")
    elif not relaxed_family(program, name):
        names = sorted({p.partition("[")[0] for p, d in program.decisions.items() if _is_relaxed(d)})
        hint = did_you_mean(name, names) or f"there are {', '.join(names)}"
        yield _at(expr, "unknown-decision", f"no relaxed decision is called `{name}`", hint)


def _connection(expr: ast.Expr, program: Program) -> Iterator[Diagnostic]:
    name = name_of(expr)
    assert name is not None
    order = {d.path: place for place, d in enumerate(relaxed_family(program, name))}
    if not shared_nodes(program.constraints, order):
        hint = f"write `where connected({name})`, with every node fed by one decision only"
        yield _at(expr, "not-connected", f"no `where` connects the decisions `{name}`", hint)


def latency_targets(expr: ast.Expr | None) -> Iterator[tuple[str, Span]]:
    """The latency tables of a penalty, each with its place."""
    if isinstance(expr, ast.Unary):
        yield from latency_targets(expr.operand)
    elif isinstance(expr, ast.Binary):
        yield from latency_targets(expr.left)
        yield from latency_targets(expr.right)
    elif isinstance(expr, ast.Call):
        if (target := latency_target(expr)) is not None:
            yield target, expr.span
        for argument in expr.arguments:
            yield from latency_targets(argument.value)


def latency_target(expr: ast.Expr) -> str | None:
    """`cpu` of `latency(cpu)`, `mine.yaml` of `latency("mine.yaml")`: the latency table; None for anything else."""
    if not isinstance(expr, ast.Call) or expr.callee != ast.Name("latency") or len(expr.arguments) != 1:
        return None
    value = expr.arguments[0].value
    return value.value if isinstance(value, ast.String) else name_of(value)


def name_of(expr: ast.Expr) -> str | None:
    """`kept`, `block.s`; None for what is no name."""
    if isinstance(expr, ast.Name):
        return expr.id
    base = name_of(expr.base) if isinstance(expr, ast.Member) else None
    return f"{base}.{expr.name}" if base is not None and isinstance(expr, ast.Member) else None
