"""Statements as documents: those of one line, and the heads of loops."""

from __future__ import annotations

from typing import assert_never

from nascompile.syntax import nodes as n
from nascompile.syntax.expression_text import ATOM, COMPARE, COND, OR, RANGE, ExpressionPrinter, guarded, join, level
from nascompile.syntax.layout import SOFT, Doc, Group, IfBroken, Indent

# Words that begin a statement: a name that is spelled like one stands in parentheses there.
_STATEMENT_WORDS = frozenset(
    ("module", "unused", "repeat", "where", "require", "measure", "outputs", "maximize", "minimize", "stage")
)


class StatementPrinter(ExpressionPrinter):
    """Statements to documents."""

    def value(self, expr: n.Expr, at_least: int = COND) -> Doc:
        """An expression outside brackets. Where it does not fit, sums and conditions get parentheses to break in."""
        if level(expr) < at_least or not isinstance(expr, n.Binary | n.Conditional | n.Unary):
            return self.expr(expr, at_least)
        if isinstance(expr, n.Binary) and level(expr.right) <= level(expr) and level(expr.left) == ATOM:
            # `x * (...)` has parentheses to break in.
            return self.expr(expr, at_least)
        body = self.expr(expr, at_least, True)
        return Group((IfBroken("("), Indent((SOFT, body)), SOFT, IfBroken(")")))

    def loop(self, node: n.For | n.Repeat) -> Doc:
        if isinstance(node, n.For):
            condition = () if node.condition is None else (" if ", self.value(node.condition, OR))
            return ("for ", self.generators(node.generators, False), condition)
        target = () if node.target is None else (self.expr(node.target, RANGE), " in ")
        return ("repeat ", target, self.expr(node.domain, RANGE), f" as {node.index}")

    def simple(self, node: n.Statement, column: int = 0) -> Doc:
        """A statement without a block; `column` is the width of the left sides of a block of fields."""
        match node:
            case n.Assign():
                target = self.expr(node.target)
                if isinstance(node.target, n.Name):
                    target = node.target.id.ljust(column)
                else:
                    target = guarded(target, node.target, _STATEMENT_WORDS)
                return (target, " = ", self.value(node.value))
            case n.Restrict():
                target = guarded(self.expr(node.target, COMPARE), node.target, _STATEMENT_WORDS)
                return (target, " in ", self.expr(node.values, RANGE))
            case n.Value():
                return guarded(self.value(node.value), node.value, _STATEMENT_WORDS)
            case n.Shared():
                return (f"module {node.name} = ", self.value(node.value))
            case n.Unused():
                return ("unused ", self.value(node.value))
            case n.Where():
                return ("where ", self.value(node.condition, OR))
            case n.Require():
                message = "" if node.message is None else f' else "{node.message}"'
                return ("require ", self.value(node.condition, OR), message)
            case n.Measure():
                return (f"measure {node.name} = ", self.value(node.value))
            case n.Outputs():
                names = ["" if item.name is None else f"{item.name} = " for item in node.items]
                values = [self.value(item.value) for item in node.items]
                return ("outputs ", join(", ", list(zip(names, values, strict=True))))
            case n.Objective():
                return (f"{node.direction} ", join(", ", [self.value(value) for value in node.values]))
            case n.For() | n.Repeat() | n.Stage():
                raise AssertionError("a statement with a block is written by the formatter")
            case _:
                assert_never(node)
