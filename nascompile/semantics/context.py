"""The state of one elaboration: what is bound, which decisions exist, the graph under construction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nascompile.diagnostics import Diagnostic, Label, NasError, error
from nascompile.ir import symbols
from nascompile.ir.program import Constraint, Decision, Graph, Node, Origin, TensorType, Weight
from nascompile.ir.symbols import Sym
from nascompile.semantics.connectivity import without_unkept
from nascompile.semantics.layers import LayerResult, terms
from nascompile.semantics.modules import Library
from nascompile.semantics.values import Scope
from nascompile.source import Span
from nascompile.syntax import nodes as ast

STEP_LIMIT = 400_000
"""Nodes and turns of loops after which a text is refused; nodes of repeated calls count each time."""


SYMBOL_LIMIT = 20_000
"""Terms of a symbolic number, written out, above which it is not looked into."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement that depends on decisions: settled when all of them and all `where`s are known."""

    condition: Any
    message: str
    origin: Origin


@dataclass(slots=True)
class Frame:
    """A graph under construction, and the naming context of its statements.

    `prefix` is the absolute path under which the decisions of this frame live. `binding` is the name that the
    running statement binds, with loop indices. `unkept` are edges that the genotype drops: value and label.
    """

    name: str
    prefix: str
    nodes: list[Node] = field(default_factory=list)
    types: list[TensorType] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    guards: list[Any] = field(default_factory=list)
    binding: str = ""
    loops: tuple[int, ...] = ()
    is_dead: bool = False
    measures: dict[str, Any] = field(default_factory=dict)
    module_weights: dict[str, tuple[Weight, ...]] = field(default_factory=dict)
    unkept: list[tuple[int, str]] = field(default_factory=list)

    def value(self, type_: TensorType) -> int:
        """A new value of this graph."""
        self.types.append(type_)
        return len(self.types) - 1

    def unique(self, word: str) -> str:
        """A path for a node named `word` in the running statement: `s[0].conv`, then `s[0].conv_2`."""
        path = f"{self.binding}.{word}" if self.binding else word
        self.used[path] += 1
        count = self.used[path]
        return path if count == 1 else f"{path}_{count}"

    def guard(self) -> Any:
        """The condition under which nodes added now exist."""
        return symbols.conjunction(*self.guards)

    def finish(self, inputs: tuple[int, ...], outputs: tuple[tuple[str, int], ...]) -> Graph:
        """The graph of everything added."""
        nodes = without_unkept(self.nodes, outputs, self.unkept)
        return Graph(self.name, inputs, nodes, outputs, tuple(self.types))


@dataclass(slots=True)
class Context:
    """What is shared by all frames of an elaboration.

    `binding` maps decision paths to values when a genotype is bound, and is None for the open space.
    `candidates` are those that a narrowing leaves to a decision; `mixed` the decisions that got a mixture or a gate.
    `guards` is the condition under which the code being elaborated exists at all; `calls` the call stack.
    """

    library: Library
    evaluate: Callable[[ast.Expr, Env], Any]
    run_body: Callable[[tuple[ast.Statement, ...], Env], Any]
    binding: Mapping[str, Any] | None
    is_fixed: bool
    rank: int
    candidates: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    mixed: set[str] = field(default_factory=set)
    gate_sources: dict[tuple[str, str], Any] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    constraints: list[Constraint] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    tied: dict[str, Decision] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    domains: dict[str, tuple[Any, ...] | None] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    guards: list[Any] = field(default_factory=list)
    parents: list[tuple[str, str] | None] = field(default_factory=lambda: [None])
    calls: list[Span] = field(default_factory=list)
    layer_cache: dict[Any, LayerResult] = field(default_factory=dict)
    graph_cache: dict[Any, tuple[Graph, tuple[Any, ...], frozenset[str]]] = field(default_factory=dict)
    decision_log: list[set[str]] = field(default_factory=list)
    bound_used: set[str] = field(default_factory=set)
    undecided: dict[str, NasError] = field(default_factory=dict)
    graph_steps: dict[int, int] = field(default_factory=dict)
    sizes: dict[Sym, int] = field(default_factory=dict)
    loops: list[Span] = field(default_factory=list)
    steps: int = 0
    depth: int = 0

    def narrowed(self, path: str, candidates: tuple[Any, ...]) -> tuple[Any, ...]:
        """Those candidates of a decision that the narrowing leaves."""
        left = self.candidates.get(path)
        return candidates if left is None else tuple(c for c in candidates if c in left)

    def folded(self, size: Any) -> Any:
        """A size as a plain number where every genotype gives the same (odd kernels with padding keep the size)."""
        if not isinstance(size, Sym) or not self.is_small(size):
            return size
        values = symbols.values_of(size, self.domains)
        return next(iter(values)) if values is not None and len(values) == 1 else size

    def is_small(self, value: Sym) -> bool:
        """Whether a symbolic number is small enough, written out, to be tried for all values of its decisions."""
        return terms(value, self.sizes) < SYMBOL_LIMIT

    def check_small(self, condition: Any, span: Span) -> None:
        """Raise NasError (`too-large`) for a condition that could not be evaluated in reasonable time."""
        if isinstance(condition, Sym) and not self.is_small(condition):
            message = f"written out, this condition on decisions has more than {SYMBOL_LIMIT} terms"
            raise self.fail("too-large", message, span, "bind the numbers that grow with every turn of a loop")

    def decide(self, condition: Any) -> bool | None:
        """Whether a condition holds for every genotype (True), for none (False), or depends on it (None)."""
        if isinstance(condition, Sym) and not self.is_small(condition):
            return None
        verdict = symbols.decide(condition, self.domains)
        if verdict is None and isinstance(condition, Sym) and condition.op in ("<", "<=", ">", ">=", "==", "!="):
            verdict = self._decide_by_bounds(condition)
            if verdict is None:
                verdict = symbols.decide_rounded(condition, self.domains, self.intervals)
        return verdict

    def _decide_by_bounds(self, condition: Sym) -> bool | None:
        try:
            low, high = symbols.bounds(symbols.binary("-", condition.args[0], condition.args[1]), self.intervals)
        except (KeyError, TypeError, ZeroDivisionError):
            return None
        op = condition.op
        if op in ("==", "!=") and (low > 0 or high < 0):
            return op == "!="
        if op == "<":
            return True if high < 0 else False if low >= 0 else None
        if op == "<=":
            return True if high <= 0 else False if low > 0 else None
        if op == ">":
            return True if low > 0 else False if high <= 0 else None
        if op == ">=":
            return True if low >= 0 else False if high < 0 else None
        return None

    def is_certain(self, presence: Any) -> bool:
        """Whether every genotype fulfils a presence: a sum over a whole edge decision has at least one summand."""
        if not isinstance(presence, Sym):
            return bool(presence)
        if presence.op == "and":
            return all(self.is_certain(part) for part in presence.args)
        if presence.op == "or":
            kept: Counter[str] = Counter(p.args[0] for p in presence.args if isinstance(p, Sym) and p.op == "kept")
            return any(self._must_keep(*item) for item in kept.items()) or any(map(self.is_certain, presence.args))
        if presence.op == "kept":
            return self._must_keep(presence.args[0], 1)
        if presence.op == "if":
            return self.is_certain(presence.args[1]) and self.is_certain(presence.args[2])
        return self.decide(presence) is True

    def uncertain(self, presence: Any) -> Any:
        """A presence without the parts that every genotype fulfils; True when nothing is left."""
        parts = presence.args if isinstance(presence, Sym) and presence.op == "and" else (presence,)
        return symbols.conjunction(*(part for part in parts if not self.is_certain(part)))

    def _must_keep(self, path: str, members: int) -> bool:
        """Whether any `members` edges of a decision hold one that is kept, however the decision falls."""
        decision = self.decisions[path]
        return members + (decision.count or 1) > len(decision.candidates)

    def blame(self, span: Span) -> Span:
        """The span to point at: the nearest text of the user's own, for code inside the library."""
        if not span.source.name.startswith("std/"):
            return span
        for call in reversed(self.calls):
            if not call.source.name.startswith("std/"):
                return call
        return span

    def fail(self, code: str, message: str, span: Span, hint: str | None = None, *labels: Label) -> NasError:
        """A diagnostic at `span`, with the calls that led there as secondary labels."""
        primary = self.blame(span)
        secondary = list(labels)
        if primary is not span:
            secondary.append(Label(span, "in this operator"))
        elif self.calls and self.calls[-1] is not span and self.calls[-1].source is span.source:
            outer = self.calls[0]
            if not (outer.start <= span.start and span.end <= outer.end):
                secondary.append(Label(outer, "called here"))
        return error(code, message, primary, hint=hint, secondary=secondary)

    def origin(self, span: Span) -> Origin:
        """Where a node comes from: its text and the running calls."""
        return Origin(span, tuple(reversed(self.calls)))

    def fail_at(self, requirement: Requirement, hint: str) -> NasError:
        """`fail` for a requirement, with the calls that led to it."""
        now, self.calls = self.calls, list(reversed(requirement.origin.calls))
        try:
            return self.fail("requirement", requirement.message, requirement.origin.span, hint)
        finally:
            self.calls = now

    def require(self, condition: Any, message: str, span: Span) -> None:
        """Remember a requirement that only decisions decide, for the code at this point."""
        self.check_small(condition, span)
        premise = self.exists()
        implied = condition if premise is True else symbols.disjunction(symbols.negation(premise), condition)
        if not any(r.condition == implied and r.origin.span == span for r in self.requirements):
            self.requirements.append(Requirement(implied, message, self.origin(span)))

    def count(self, span: Span, steps: int = 1) -> None:
        """Count nodes or turns of a loop. Raises NasError (`too-large`) at the outermost loop that is running."""
        self.steps += steps
        if self.steps > STEP_LIMIT:
            place = self.loops[0] if self.loops else span
            named = f"`{' '.join(place.text.split())}`" if self.loops else "this text"
            labels = () if place is span else (Label(span, "reached here"),)
            raise self.fail("too-large", f"{named} unrolls past {STEP_LIMIT} nodes", place, "shorten the loop", *labels)

    def declare(self, decision: Decision) -> None:
        """Register a decision, or meet it again in another instance of its cell."""
        for log in self.decision_log:
            log.add(decision.path)
        known = self.decisions.get(decision.path)
        self._check_tied(decision)
        if known is None:
            self.decisions[decision.path] = decision
            if decision.kind == "number":
                self.domains[decision.path] = None if decision.interval else decision.candidates
                ends = decision.interval or (min(decision.candidates), max(decision.candidates))
                self.intervals[decision.path] = ends
            elif decision.kind == "op":
                self.domains[decision.path] = decision.candidates
            else:
                self.domains[decision.path] = None
            return
        if known.candidates != decision.candidates or known.count != decision.count:
            raise self.fail(
                "decision-mismatch",
                f"the decision `{decision.path}` has other candidates in another instance of its cell",
                decision.origin.span,
                "make the candidates independent of the instance's arguments, or use `fresh`",
                Label(known.origin.span, "first met here"),
            )
        if known.guard is not True:
            merged = symbols.disjunction(known.guard, decision.guard)
            self.decisions[decision.path] = replace(known, guard=merged)

    def _check_tied(self, decision: Decision) -> None:
        """Decisions on one vector of architecture parameters have the same candidates in the same order."""
        if decision.tied is None:
            return
        first = self.tied.setdefault(decision.tied, decision)
        if (first.kind, first.candidates) != (decision.kind, decision.candidates):
            raise self.fail(
                "tied-differ",
                f"`{decision.path}` and `{first.path}` are tied as `{decision.tied}` but differ in their candidates",
                decision.origin.span,
                "tie decisions with the same candidates only, or give them names of their own",
                Label(first.origin.span, f"candidates {', '.join(map(str, first.candidates))}"),
            )

    def exists(self) -> Any:
        """The condition under which code at this point runs."""
        return symbols.conjunction(*self.guards)


@dataclass(slots=True)
class Env:
    """Where an expression is evaluated: the elaboration, the graph it adds to, the names it sees."""

    ctx: Context
    frame: Frame
    scope: Scope

    def evaluate(self, expr: ast.Expr) -> Any:
        """The value of an expression here."""
        return self.ctx.evaluate(expr, self)

    def inner(self) -> Env:
        """The same place with a scope of its own."""
        return Env(self.ctx, self.frame, Scope(self.scope))


def text_of(node: ast.Node) -> str:
    """The source text of a node on one line, for messages and labels."""
    return " ".join(node.span.text.split())
