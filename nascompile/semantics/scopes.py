"""What a piece of text sees when it is read without being evaluated: names, and which of them are no tensors."""

from __future__ import annotations

from collections.abc import Iterable

from nascompile.syntax import nodes as ast


class Names:
    """Names of a body or a loop, with the enclosing ones behind.

    `plain` are those that cannot hold a tensor (parameters, loop indices); `functions` give numbers when called.
    """

    def __init__(self, parent: Names | None = None, plain: Iterable[str] = ()):
        self.parent = parent
        self.plain = set(plain)
        self.functions: set[str] = set()
        self.names = set(self.plain)

    def __contains__(self, name: str) -> bool:
        return self._place(name) is not None

    def all(self) -> set[str]:
        """Every name in sight."""
        return self.names if self.parent is None else self.names | self.parent.all()

    def inner(self, plain: Iterable[str] = ()) -> Names:
        """A scope inside of this one."""
        return Names(self, plain)

    def add(self, name: str) -> None:
        """Bind a name to what may be a tensor: in the scope that has it, else here."""
        place = self._place(name) or self
        place.names.add(name)
        place.plain.discard(name)

    def add_plain(self, name: str) -> None:
        """Bind a name here to what is no tensor."""
        self.names.add(name)
        self.plain.add(name)

    def is_plain(self, name: str) -> bool:
        """Whether a name cannot hold a tensor."""
        place = self._place(name)
        return place is not None and name in place.plain

    def is_function(self, name: str) -> bool:
        """Whether a name is a function of numbers."""
        place = self._place(name)
        return place is not None and name in place.functions

    def _place(self, name: str) -> Names | None:
        if name in self.names:
            return self
        return None if self.parent is None else self.parent._place(name)


def children(expr: ast.Expr) -> Iterable[ast.Expr]:
    """The expressions directly inside one, for those without names of their own."""
    if isinstance(expr, ast.List):
        return expr.items
    if isinstance(expr, ast.Range):
        return (expr.start,) if expr.stop is None else (expr.start, expr.stop)
    if isinstance(expr, ast.Binary):
        return (expr.left, expr.right)
    if isinstance(expr, ast.Unary):
        return (expr.operand,)
    if isinstance(expr, ast.Conditional):
        parts = (expr.condition, expr.then)
        return parts if expr.orelse is None else (*parts, expr.orelse)
    if isinstance(expr, ast.Index):
        return (expr.base, *expr.indices)
    if isinstance(expr, ast.Member | ast.Maybe):
        return (expr.base,)
    if isinstance(expr, ast.Fresh):
        return (expr.call,)
    return ()
