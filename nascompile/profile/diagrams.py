"""Decision diagrams: functions of a genotype's decisions, reduced, so that equal functions are one node.

Bryant, "Graph-Based Algorithms for Boolean Function Manipulation", 1986; with variables of several values and numbers
at the leaves. The variables are the decisions in text order: an operator, a picked number or a single edge is one
variable; where several edges may be kept every edge is one, directly followed by what is decided only where it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nascompile.ir import symbols
from nascompile.ir.program import Constraint, Decision
from nascompile.ir.symbols import Sym
from nascompile.space.options import Nest, nests

NODE_LIMIT = 600_000
FALSE, TRUE = 0, 1


class NotTabulated(Exception):
    """A function of real numbers, or one with more than 600,000 nodes."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One choice: an edge (`label` given; values 0 and 1), or an operator, a number or a single edge (its candidates).

    `parent` is the position of the variable and the number of its value under which this one exists. A `fact` is a
    comparison of real numbers that stands for itself (values 0 and 1); it comes behind all decisions.
    """

    path: str
    label: str | None
    values: tuple[Any, ...]
    decision: Decision | None
    parent: tuple[int, int] | None
    fact: Sym | None = None


def variables_of(decisions: Mapping[str, Decision]) -> list[Variable]:
    """The variables of a space in their order; an interval of reals is a variable without values."""
    found: list[Variable] = []

    def add(nest: Nest, parent: tuple[int, int] | None) -> None:
        decision = nest.decision
        if decision.kind == "edges" and not is_single(decision):
            for label in decision.candidates:
                found.append(Variable(decision.path, label, (0, 1), decision, parent))
                here = (len(found) - 1, 1)
                for nested in nest.children.get(label, ()):
                    add(nested, here)
            return
        values = tuple(c for c in decision.candidates if c not in decision.never)
        found.append(Variable(decision.path, None, values, decision, parent))
        position = len(found) - 1
        for number, value in enumerate(values):
            for nested in nest.children.get(value, ()):
                add(nested, (position, number))

    for nest in nests(decisions):
        add(nest, None)
    return found


def is_single(decision: Decision) -> bool:
    """Whether exactly one candidate is taken."""
    return decision.kind != "edges" or (decision.count == 1 and decision.decode != "all")


_END = 1 << 30
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in"})


class Diagrams:
    """The functions over one set of decisions; a function is the number of its node.

    `variable[n]` is the position of a node's variable (past all others for a leaf), `children[n]` one node a value,
    `leaf[n]` the value of a leaf. With `constraints`, `kept_and` may be wrong for genotypes that break them.
    """

    def __init__(self, decisions: Mapping[str, Decision], constraints: Sequence[Constraint] = ()):
        self.decisions = decisions
        self.variables = variables_of(decisions)
        self.reals = frozenset(v.path for v in self.variables if not v.values)
        self.place = {(v.path, v.label): n for n, v in enumerate(self.variables)}
        self.variable: list[int] = []
        self.children: list[tuple[int, ...]] = []
        self.leaf: list[Any] = []
        self._nodes: dict[Any, int] = {}
        self._leaves: dict[Any, int] = {}
        self._applied: dict[Any, int] = {}
        self._built: dict[Sym, int] = {}
        self.constant(0)
        self.constant(1)
        self._implied: dict[int, int] = {}
        for constraint in constraints:
            self._learn(constraint.condition)

    # --- making ---

    def constant(self, value: Any) -> int:
        """The function that is `value` everywhere."""
        if value not in self._leaves:
            self._leaves[value] = self._add(_END, (), value)
        return self._leaves[value]

    def choice(self, position: int, children: tuple[int, ...]) -> int:
        """The function that is `children[k]` where a variable takes its value `k`."""
        if children.count(children[0]) == len(children):
            return children[0]
        key = (position, children)
        if key not in self._nodes:
            self._nodes[key] = self._add(position, children, None)
        return self._nodes[key]

    def kept(self, path: str, label: str) -> int:
        """Whether an edge is kept; true where every genotype keeps it."""
        decision = self.decisions[path]
        if label not in decision.candidates:  # a narrowed space
            return FALSE
        if decision.decode == "all" or decision.count == len(decision.candidates):
            return TRUE
        if is_single(decision):
            return self.taken(path, label)
        return self.choice(self.place[path, label], (FALSE, TRUE))

    def taken(self, path: str, label: Any) -> int:
        """Whether an operator is picked; false where its decision exists for no genotype (of a narrowed space)."""
        position = self.place.get((path, None))
        if position is None:
            return FALSE
        return self.choice(position, tuple(int(v == label) for v in self.variables[position].values))

    def function(self, value: Any) -> int:
        """The function that an expression over decisions is. Raises NotTabulated."""
        if not isinstance(value, Sym):
            return self.constant(value)
        if value not in self._built:
            self._built[value] = self._build(value)
        return self._built[value]

    def _build(self, value: Sym) -> int:
        op, args = value.op, value.args
        if op in _COMPARISONS and not self.reals.isdisjoint(value.refs):
            self.variables.append(Variable(str(value), None, (0, 1), None, None, value))
            return self.choice(len(self.variables) - 1, (FALSE, TRUE))
        if op == "kept":
            return self.kept(*args)
        if op == "is":
            return self.taken(*args)
        if op == "ref":
            position = self.place.get((args[0], None))
            if position is None:
                return self.constant(self.decisions[args[0]].candidates[0])
            values = self.variables[position].values
            if not values:
                raise NotTabulated
            return self.choice(position, tuple(map(self.constant, values)))
        parts = [self.function(a) for a in args]
        if op == "if":
            return self.apply("if", *parts)
        if op == "not":
            return self.negation(parts[0])
        if op in ("and", "or"):
            return self.conjunction(*parts) if op == "and" else self.disjunction(*parts)
        return self.apply(op, *parts)

    # --- combining ---

    def conjunction(self, *terms: int) -> int:
        """All of the terms."""
        result = TRUE
        for term in terms:
            result = self.apply("and", result, term)
        return result

    def disjunction(self, *terms: int) -> int:
        """Any of the terms."""
        result = FALSE
        for term in terms:
            result = self.apply("or", result, term)
        return result

    def negation(self, a: int) -> int:
        """Not `a`."""
        return self.apply("not", a)

    def at_least_two(self, terms: Iterable[int]) -> int:
        """Whether two or more of the terms hold."""
        some = several = FALSE
        for term in terms:
            several = self.disjunction(several, self.conjunction(some, term))
            some = self.disjunction(some, term)
        return several

    def kept_and(self, path: str, label: str, other: int) -> int:
        """Whether an edge is kept and `other` holds, which is left out where the constraints imply it."""
        kept = self.kept(path, label)
        known = self._implied.get(kept, kept)
        return kept if self.apply("and", known, self.negation(other)) == FALSE else self.apply("and", kept, other)

    def apply(self, op: str, *parts: int) -> int:
        """A function of leaves, applied to functions. Raises NotTabulated."""
        quick = self._quick(op, parts)
        if quick is not None:
            return quick
        key = (op, parts)
        found = self._applied.get(key)
        if found is not None:
            return found
        top = min(self.variable[p] for p in parts)
        if top == _END:
            result = self.constant(_of_leaves(op, [self.leaf[p] for p in parts]))
        else:
            rows = [
                self.children[p] if self.variable[p] == top else (p,) * len(self.variables[top].values) for p in parts
            ]
            result = self.choice(top, tuple(self.apply(op, *column) for column in zip(*rows, strict=True)))
        self._applied[key] = result
        return result

    def _quick(self, op: str, parts: tuple[int, ...]) -> int | None:
        if op == "and":
            a, b = parts
            return FALSE if FALSE in parts else b if a in (TRUE, b) else a if b == TRUE else None
        if op == "or":
            a, b = parts
            return TRUE if TRUE in parts else b if a in (FALSE, b) else a if b == FALSE else None
        if op == "*" and FALSE in parts:
            return FALSE
        if op == "if" and parts[1] == parts[2]:
            return parts[1]
        return None

    # --- reading ---

    def evaluate(self, node: int, position_of: Callable[[int], int]) -> Any:
        """The value where variable `v` takes its value number `position_of(v)`."""
        while self.children[node]:
            node = self.children[node][position_of(self.variable[node])]
        return self.leaf[node]

    def below(self, roots: Iterable[int]) -> list[int]:
        """Every node under some functions, each behind those below it."""
        seen: set[int] = set()
        pending = list(roots)
        while pending:
            node = pending.pop()
            if node not in seen:
                seen.add(node)
                pending.extend(self.children[node])
        return sorted(seen)  # children were made before their parents

    # --- within ---

    def _add(self, position: int, children: tuple[int, ...], value: Any) -> int:
        if len(self.variable) >= NODE_LIMIT:
            raise NotTabulated
        self.variable.append(position)
        self.children.append(children)
        self.leaf.append(value)
        return len(self.variable) - 1

    def _learn(self, condition: Any) -> None:
        """`not (kept a or kept b) or conclusion` is what `connected` says."""
        if not isinstance(condition, Sym) or condition.op != "or" or len(condition.args) != 2:
            return
        premise = condition.args[0]
        if not (isinstance(premise, Sym) and premise.op == "not" and isinstance(condition.args[1], Sym)):
            return
        causes = premise.args[0]
        conclusion = self.function(condition.args[1])
        for cause in causes.args if causes.op == "or" else (causes,):
            if isinstance(cause, Sym) and cause.op == "kept":
                kept = self.kept(*cause.args)
                self._implied[kept] = self.conjunction(self._implied.get(kept, kept), conclusion)


def _of_leaves(op: str, values: list[Any]) -> Any:
    if op == "and":
        return int(all(values))
    if op == "or":
        return int(any(values))
    if op == "not":
        return int(not values[0])
    if op == "if":
        return values[1] if values[0] else values[2]
    if op == "neg":
        return -values[0]
    if any(v is None for v in values):
        return None
    try:
        known = symbols.FUNCTIONS.get(op)
        return known(*values) if known is not None else symbols.binary(op, *values)
    except (ZeroDivisionError, ValueError, OverflowError, TypeError):
        return None
