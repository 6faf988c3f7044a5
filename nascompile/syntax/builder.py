"""The nodes of the tree: one method for each rule of grammars/nas-1.lark, called when the rule is reduced."""

from __future__ import annotations

import math
from typing import Any

from nascompile.diagnostics import error
from nascompile.source import Source, Span
from nascompile.syntax import nodes as n

Children = list[Any]
# What stands before `;` and after it; None before it if there is no `;`.
_Params = tuple[tuple[n.Parameter, ...] | None, tuple[n.Parameter, ...]]

_UNITS = {unit + "s": unit for unit in ("minute", "hour", "day", "month", "year", "epoch", "step", "trial")}


class Builder:
    """Makes nodes for one source. It has state only for the comments above a declaration, which become its `doc`.

    Every method takes the rule's children (None where an optional part is missing) and the start and end offsets of
    the text that the rule covers. A method raises NasError where the grammar allows more than the language.
    """

    def __init__(self, source: Source, comments: list[n.Comment]):
        self.source = source
        self._comment_lines = {comment.span.line: comment for comment in comments if comment.own_line}

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    def doc(self, start: int) -> str:
        """The comment lines directly above an offset, without their `#`."""
        lines = []
        line = self.source.position(start)[0] - 1
        while (comment := self._comment_lines.get(line)) is not None:
            lines.append(comment.text.removeprefix("#").removeprefix(" "))
            line -= 1
        return "\n".join(reversed(lines))

    # --- declarations ---

    def module(self, kids: Children, start: int, end: int) -> n.Module:
        imports = tuple(kid for kid in kids[1:] if isinstance(kid, n.Import))
        declarations = tuple(kid for kid in kids[1:] if not isinstance(kid, n.Import))
        # The grammar's rule takes in the last newline.
        end = max((kid.span.end for kid in kids[1:]), default=start + len(self.source.text[start:end].rstrip()))
        return n.Module(int(kids[0]), imports, declarations, span=self.span(start, end))

    def expression(self, kids: Children, start: int, end: int) -> n.Expr:
        expr: n.Expr = kids[0]
        return expr

    def import_(self, kids: Children, start: int, end: int) -> n.Import:
        return n.Import(tuple(kids), span=self.span(start, end))

    def layer(self, kids: Children, start: int, end: int) -> n.LayerDecl:
        name, params, extern, body = kids
        span = self.span(start, end)
        if params[0]:
            raise error("syntax-error", "a layer has no parameters before `;`", params[0][0].span,
                        hint="the tensors of a layer stand in its `shape`")  # fmt: skip
        shapes = [rule for rule in body if isinstance(rule, n.ShapeRule)]
        costs = [rule for rule in body if isinstance(rule, tuple)]
        if len(shapes) != 1:
            at = shapes[1].span if shapes else span
            count = "two `shape` lines" if shapes else "no `shape` line"
            raise error(
                "syntax-error", f"layer `{name}` has {count}", at, hint="write one: `shape [ch, *s] -> [c, *s]`"
            )
        if len(costs) > 1:
            raise error(
                "syntax-error", f"layer `{name}` has two `macs` lines", costs[1][1].span, hint="add them up in one"
            )
        return n.LayerDecl(
            name,
            params[1],
            shapes[0],
            tuple(rule for rule in body if isinstance(rule, n.WeightRule)),
            costs[0][1] if costs else None,
            tuple(rule for rule in body if isinstance(rule, n.Measure)),
            tuple(rule for rule in body if isinstance(rule, n.Require)),
            None if extern is None else extern[1:-1],
            self.doc(start),
            span=span,
        )

    def op_short(self, kids: Children, start: int, end: int) -> n.OpDecl:
        name, params, value = kids
        body = (n.Value(value, span=value.span),)
        return n.OpDecl("op", name, params[0] or (), params[1], body, True, self.doc(start), span=self.span(start, end))

    def op_long(self, kids: Children, start: int, end: int) -> n.OpDecl:
        kind, name, params, body = kids
        tensors, parameters = params
        if tensors is None:
            # A cell or space is about its inputs: without `;` all are tensors. An op is about its numbers.
            tensors, parameters = ((), parameters) if kind == "op" else (parameters, ())
        return n.OpDecl(kind, name, tensors, parameters, body, False, self.doc(start), span=self.span(start, end))

    def ops(self, kids: Children, start: int, end: int) -> n.OpsDecl:
        name, params, *candidates = kids
        tensors, parameters = params or ((), ())
        return n.OpsDecl(name, tensors or (), parameters, tuple(candidates), span=self.span(start, end))

    def cand(self, kids: Children, start: int, end: int) -> n.Candidate:
        label, value = kids
        span = self.span(start, end)
        if isinstance(value, n.Conditional) and value.orelse is None:
            return n.Candidate(label, value.then, value.condition, span=span)
        return n.Candidate(label, value, None, span=span)

    def cell_alias(self, kids: Children, start: int, end: int) -> n.CellAlias:
        if not isinstance(kids[1], n.Call):
            raise error("syntax-error", f"cell `{kids[0]}` must be set to a call of another cell", kids[1].span,
                        hint=f"write `cell {kids[0]} = other(stride = 2)`")  # fmt: skip
        return n.CellAlias(kids[0], kids[1], span=self.span(start, end))

    def genotype(self, kids: Children, start: int, end: int) -> n.GenotypeDecl:
        kind, name, space, body = kids
        if kind == "narrow":
            body = tuple(_restrict(statement) for statement in body)
        return n.GenotypeDecl(kind, name, space, body, span=self.span(start, end))

    def task(self, kids: Children, start: int, end: int) -> n.TaskDecl:
        return n.TaskDecl(kids[0], kids[1], span=self.span(start, end))

    def task_value(self, kids: Children, start: int, end: int) -> n.TaskDecl:
        return n.TaskDecl(kids[0], (), kids[1], span=self.span(start, end))

    def search(self, kids: Children, start: int, end: int) -> n.SearchDecl:
        return n.SearchDecl(*kids, span=self.span(start, end))

    def define(self, kids: Children, start: int, end: int) -> n.FunctionDecl | n.ConstantDecl:
        target, value = kids
        span = self.span(start, end)
        if isinstance(target, n.Name):
            return n.ConstantDecl(target.id, value, span=span)
        if isinstance(target, n.Call) and isinstance(target.callee, n.Name):
            return n.FunctionDecl(target.callee.id, _parameters(target), value, span=span)
        raise error("syntax-error", "only a name or a function `f(a, b)` can be defined here", target.span)

    def params(self, kids: Children, start: int, end: int) -> _Params:
        return None, kids[0] or ()

    def params_split(self, kids: Children, start: int, end: int) -> _Params:
        return kids[0] or (), kids[1] or ()

    def plist(self, kids: Children, start: int, end: int) -> tuple[n.Parameter, ...]:
        return tuple(kids)

    def param(self, kids: Children, start: int, end: int) -> n.Parameter:
        name, kinds, default = kids
        return n.Parameter(name, kinds or (), default, span=self.span(start, end))

    def kinds(self, kids: Children, start: int, end: int) -> tuple[str, ...]:
        return tuple(kids)

    # --- layers ---

    def layer_block(self, kids: Children, start: int, end: int) -> tuple[Any, ...]:
        return tuple(kids)

    def shape(self, kids: Children, start: int, end: int) -> n.ShapeRule:
        return n.ShapeRule(kids[0], None, tuple(kids[1:]), span=self.span(start, end))

    def shape_many(self, kids: Children, start: int, end: int) -> n.ShapeRule:
        return n.ShapeRule((), kids[0], tuple(kids[1:]), span=self.span(start, end))

    def patterns(self, kids: Children, start: int, end: int) -> tuple[n.ShapePattern, ...]:
        return tuple(kids)

    def pattern(self, kids: Children, start: int, end: int) -> n.ShapePattern:
        return n.ShapePattern(tuple(kid for kid in kids if kid is not None), span=self.span(start, end))

    def splat(self, kids: Children, start: int, end: int) -> n.Star | n.Unary:
        span = self.span(start, end)
        return n.Star(kids[0].id, span=span) if isinstance(kids[0], n.Name) else n.Unary("*", kids[0], span=span)

    def named_call(self, kids: Children, start: int, end: int) -> n.Call:
        callee = n.Name(kids[0], span=self.span(start, start + len(kids[0])))
        return self.call([callee, kids[1]], start, end)

    def weight(self, kids: Children, start: int, end: int) -> n.WeightRule:
        kind, name, shape, condition = kids
        return n.WeightRule(name, shape, condition, kind == "buffer", span=self.span(start, end))

    def macs(self, kids: Children, start: int, end: int) -> tuple[str, n.Expr]:
        return ("macs", kids[0])

    # --- statements ---

    def block(self, kids: Children, start: int, end: int) -> tuple[n.Statement, ...]:
        return tuple(kids)

    def assign(self, kids: Children, start: int, end: int) -> n.Assign:
        target, value = kids
        if not isinstance(target, n.Name | n.Index | n.Member) and not _is_function(target):
            message = "the left of `=` must be a name, `name[index]` or a function `f(a)`"
            raise error("syntax-error", message, target.span, hint="use `==` to compare")
        return n.Assign(target, value, span=self.span(start, end))

    def value(self, kids: Children, start: int, end: int) -> n.Value:
        return n.Value(kids[0], span=self.span(start, end))

    def shared(self, kids: Children, start: int, end: int) -> n.Shared:
        return n.Shared(*kids, span=self.span(start, end))

    def unused(self, kids: Children, start: int, end: int) -> n.Unused:
        return n.Unused(kids[0], span=self.span(start, end))

    def for_(self, kids: Children, start: int, end: int) -> n.For:
        (generators, condition), body = kids
        return n.For(generators, condition, body, span=self.span(start, end))

    def repeat(self, kids: Children, start: int, end: int) -> n.Repeat:
        first, second, index, body = kids
        target, domain = (None, first) if second is None else (first, second)
        return n.Repeat(target, domain, index, body, span=self.span(start, end))

    def where(self, kids: Children, start: int, end: int) -> n.Where:
        return n.Where(kids[0], span=self.span(start, end))

    def require(self, kids: Children, start: int, end: int) -> n.Require:
        return n.Require(kids[0], None if kids[1] is None else kids[1][1:-1], span=self.span(start, end))

    def measure(self, kids: Children, start: int, end: int) -> n.Measure:
        return n.Measure(*kids, span=self.span(start, end))

    def outputs(self, kids: Children, start: int, end: int) -> n.Outputs:
        return n.Outputs(tuple(kids), span=self.span(start, end))

    def objective(self, kids: Children, start: int, end: int) -> n.Objective:
        return n.Objective(kids[0], tuple(kids[1:]), span=self.span(start, end))

    def stage(self, kids: Children, start: int, end: int) -> n.Stage:
        return n.Stage(*kids, span=self.span(start, end))

    def gens(self, kids: Children, start: int, end: int) -> tuple[tuple[n.Generator, ...], n.Expr | None]:
        return tuple(kids[:-1]), kids[-1]

    def gen(self, kids: Children, start: int, end: int) -> n.Generator:
        return n.Generator(*kids, span=self.span(start, end))

    # --- expressions ---

    def conditional(self, kids: Children, start: int, end: int) -> n.Conditional:
        then, condition, orelse = kids
        return n.Conditional(condition, then, orelse, span=self.span(start, end))

    def pipe(self, kids: Children, start: int, end: int) -> n.Pipe:
        return n.Pipe(tuple(kids), span=self.span(start, end))

    def pick(self, kids: Children, start: int, end: int) -> n.Pick:
        return n.Pick(*kids, span=self.span(start, end))

    def via(self, kids: Children, start: int, end: int) -> n.Via:
        return n.Via(*kids, span=self.span(start, end))

    def attributes(self, kids: Children, start: int, end: int) -> n.Attributes:
        found: dict[str, Any] = {}
        for name, value, at, to in kids:
            if name in found:
                raise error("syntax-error", f"`{name}` is given twice", self.span(at, to), hint="keep one of them")
            found[name] = value
        found["alias"] = found.pop("as", None)
        return n.Attributes(**found, span=self.span(start, end))

    def attribute(self, kids: Children, start: int, end: int) -> tuple[str, Any, int, int]:
        return kids[0], kids[1], start, end

    def binary(self, kids: Children, start: int, end: int) -> n.Binary:
        left, op, right = kids
        return n.Binary(op, left, right, span=self.span(start, end))

    def not_in(self, kids: Children, start: int, end: int) -> n.Binary:
        return n.Binary("not in", kids[0], kids[-1], span=self.span(start, end))

    def unary(self, kids: Children, start: int, end: int) -> n.Unary:
        return n.Unary(*kids, span=self.span(start, end))

    def range(self, kids: Children, start: int, end: int) -> n.Range:
        first, dots, stop = kids
        return n.Range(first, stop, dots == "..", span=self.span(start, end))

    def fresh(self, kids: Children, start: int, end: int) -> n.Fresh:
        return n.Fresh(kids[0], span=self.span(start, end))

    def call(self, kids: Children, start: int, end: int) -> n.Call:
        arguments, split = kids[1] or ((), None)
        return n.Call(kids[0], arguments, split, span=self.span(start, end))

    def args(self, kids: Children, start: int, end: int) -> tuple[tuple[n.Argument, ...], int | None]:
        return (kids[0], None) if kids[1] is None else (kids[0] + kids[1], len(kids[0]))

    def args_after(self, kids: Children, start: int, end: int) -> tuple[tuple[n.Argument, ...], int | None]:
        return kids[0], 0

    def arglist(self, kids: Children, start: int, end: int) -> tuple[n.Argument, ...]:
        return tuple(kids)

    def arg(self, kids: Children, start: int, end: int) -> n.Argument:
        return n.Argument(*kids, span=self.span(start, end))

    named = arg

    def index(self, kids: Children, start: int, end: int) -> n.Index:
        return n.Index(kids[0], tuple(kids[1:]), span=self.span(start, end))

    def member(self, kids: Children, start: int, end: int) -> n.Member:
        return n.Member(*kids, span=self.span(start, end))

    def maybe(self, kids: Children, start: int, end: int) -> n.Maybe:
        return n.Maybe(kids[0], span=self.span(start, end))

    def star(self, kids: Children, start: int, end: int) -> n.Star:
        return n.Star(span=self.span(start, end))

    def name(self, kids: Children, start: int, end: int) -> n.Name:
        return n.Name(kids[0], span=self.span(start, end))

    def number(self, kids: Children, start: int, end: int) -> n.Number:
        span = self.span(start, end)
        return n.Number(_value(kids[0], span), kids[0], span=span)

    def quantity(self, kids: Children, start: int, end: int) -> n.Quantity:
        text: str = kids[0]
        digits = text.rstrip("abcdefghijklmnopqrstuvwxyzBGKM").rstrip()
        unit = text[len(digits) :].strip()
        span = self.span(start, end)
        return n.Quantity(_value(digits, span), _UNITS.get(unit, unit), text, span=span)

    def string(self, kids: Children, start: int, end: int) -> n.String:
        return n.String(kids[0][1:-1], span=self.span(start, end))

    def boolean(self, kids: Children, start: int, end: int) -> n.Boolean:
        return n.Boolean(kids[0] == "true", span=self.span(start, end))

    def absent(self, kids: Children, start: int, end: int) -> n.Absent:
        return n.Absent(span=self.span(start, end))

    def group(self, kids: Children, start: int, end: int) -> n.Expr:
        expr: n.Expr = kids[0]
        return expr

    def list(self, kids: Children, start: int, end: int) -> n.List:
        return n.List(tuple(kid for kid in kids if kid is not None), span=self.span(start, end))

    def comprehension(self, kids: Children, start: int, end: int) -> n.Comprehension:
        return n.Comprehension(kids[0], *kids[1], span=self.span(start, end))


def _value(text: str, span: Span) -> int | float:
    # Python reads no integers of more than 4300 digits, and larger floats than 1e308 as infinite.
    value = int(text) if text.isdigit() and len(text) <= 300 else float(text)
    if math.isinf(value):
        raise error("syntax-error", "this number is too large", span, hint="numbers go up to 1e308")
    return value


def _restrict(statement: n.Statement) -> n.Statement:
    if isinstance(statement, n.Value) and isinstance(statement.value, n.Binary) and statement.value.op == "in":
        return n.Restrict(statement.value.left, statement.value.right, span=statement.span)
    return statement


def _is_function(target: n.Expr) -> bool:
    return isinstance(target, n.Call) and isinstance(target.callee, n.Name) and target.split is None


def _parameters(call: n.Call) -> tuple[n.Parameter, ...]:
    parameters = []
    for argument in call.arguments:
        if argument.name is not None:
            parameters.append(n.Parameter(argument.name, (), argument.value, span=argument.span))
        elif isinstance(argument.value, n.Name):
            parameters.append(n.Parameter(argument.value.id, span=argument.span))
        else:
            raise error("syntax-error", "a parameter must be a name", argument.span, hint="write `f(a, b = 1) = ...`")
    return tuple(parameters)
