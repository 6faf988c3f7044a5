"""Expressions as documents: the parentheses that they need, and where they may break."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import assert_never

from nascompile.source import Span
from nascompile.syntax import nodes as n
from nascompile.syntax.layout import HARD, LINE, SOFT, Doc, Group, IfBroken, Indent, Line, fill

# How tightly the grammar binds: a looser expression in a tighter place stands in parentheses.
COND, PIPE, CHOICE, OR, AND, NOT, COMPARE, RANGE, SUM, TERM, UNARY, POWER, POSTFIX, ATOM = range(14)

_BINARY = {
    **{"or": OR, "and": AND, "+": SUM, "-": SUM, "*": TERM, "/": TERM, "//": TERM, "%": TERM, "^": POWER},
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not in"), COMPARE),
}
_PLAIN_UNITS = ("k", "M", "G")
_PLURAL_UNITS = ("minute", "hour", "day", "month", "year", "epoch", "step", "trial")

# An item between brackets: where it stood, and its document.
Item = tuple[Span, Doc]
# Takes the comments of a range of the text: `take(start, end)`; each comment is handed out once.
Take = Callable[[int, int], Sequence[n.Comment]]


def level(expr: n.Expr) -> int:
    """How tightly an expression binds."""
    match expr:
        case n.Conditional():
            return COND
        case n.Pipe():
            return PIPE
        case n.Pick() | n.Via():
            return CHOICE
        case n.Binary():
            return _BINARY[expr.op]
        case n.Unary():
            return NOT if expr.op == "not" else UNARY
        case n.Range():
            return RANGE
        case n.Fresh():
            return UNARY
        case n.Call() | n.Index() | n.Member() | n.Maybe():
            return POSTFIX
        case n.Number() | n.Quantity() if expr.value < 0:
            return UNARY
        case _:
            return ATOM


class ExpressionPrinter:
    """Expressions to documents. The state is the comments that `take` has not handed out yet."""

    def __init__(self, take: Take = lambda start, end: ()):
        self._take = take

    def expr(self, expr: n.Expr, at_least: int = COND, inside: bool = False) -> Doc:
        """The document of an expression in a place that binds as tightly as `at_least`.

        `inside` brackets a line may break anywhere; outside only in brackets and before `->`.
        """
        if level(expr) < at_least:
            return Group(("(", Indent((SOFT, self.expr(expr, COND, True))), SOFT, ")"))
        blank: Doc = LINE if inside else " "
        match expr:
            case n.Name():
                return expr.id
            case n.Number():
                return expr.text or repr(expr.value)
            case n.Quantity():
                return _quantity(expr)
            case n.String():
                return f'"{expr.value}"'
            case n.Boolean():
                return "true" if expr.value else "false"
            case n.Absent():
                return "absent"
            case n.Star():
                return f"*{expr.name or ''}"
            case n.List():
                span = (expr.span.start, expr.span.end)
                return self.bracket("[", self._items(expr.items), "]", span, None)
            case n.Comprehension():
                return self._comprehension(expr)
            case n.Range():
                dots = ".." if expr.inclusive else "..<"
                stop: Doc = () if expr.stop is None else (" ", self.expr(expr.stop, SUM, inside))
                return (self.expr(expr.start, SUM, inside), " ", dots, stop)
            case n.Binary():
                return self._binary(expr, inside)
            case n.Unary():
                if expr.op == "*":
                    return ("*", self.expr(expr.operand, POSTFIX, inside))
                word = "not " if expr.op == "not" else expr.op
                return (word, self.expr(expr.operand, level(expr), inside))
            case n.Conditional():
                return self._conditional(expr, inside)
            case n.Call():
                return (self.expr(expr.callee, POSTFIX, inside), self.arguments(expr))
            case n.Index():
                span = (expr.base.span.end, expr.span.end)
                base = self.expr(expr.base, POSTFIX, inside)
                return (base, self.bracket("[", self._items(expr.indices), "]", span, None))
            case n.Member():
                return (self.expr(expr.base, POSTFIX, inside), ".", expr.name)
            case n.Maybe():
                return (self.expr(expr.base, POSTFIX, inside), "?")
            case n.Fresh():
                return ("fresh ", self.expr(expr.call, UNARY, inside))
            case n.Pipe():
                return self._pipe(expr, inside)
            case n.Pick():
                count = self.count(expr)
                source = self.expr(expr.source, RANGE, inside)
                return Group(("pick ", count, " of ", source, self._attributes(expr.attributes, blank)))
            case n.Via():
                operators = self.expr(expr.operators, UNARY, inside)
                tail = (blank, "via ", operators, self._attributes(expr.attributes, blank))
                return Group((self.expr(expr.value, OR, inside), Indent(tail)))
            case _:
                assert_never(expr)

    def count(self, pick: n.Pick) -> Doc:
        if isinstance(pick.count, str):
            return pick.count
        return guarded(self.expr(pick.count, SUM), pick.count, frozenset(("one", "some")))

    def argument(self, argument: n.Argument) -> Doc:
        value = self._item(argument.value)
        return value if argument.name is None else (argument.name, " = ", value)

    def arguments(self, call: n.Call) -> Doc:
        """The arguments of a call in parentheses, with the `;` where it was."""
        span = (call.callee.span.end, call.span.end)
        items = [(argument.span, self.argument(argument)) for argument in call.arguments]
        if len(items) == 1 and call.split is None and call.arguments[0].name is None and _hugs(call.arguments[0].value):
            before, after = self._take(span[0], items[0][0].start), self._take(items[0][0].end, span[1])
            if not before and not after:
                return ("(", items[0][1], ")")
            lines = tuple((HARD, comment.text) for comment in before)
            return ("(", Indent((*lines, HARD, items[0][1], behind(after))), HARD, ")")
        # A call has something behind its `;`, or none.
        split = None if call.split == len(items) else call.split
        return self.bracket("(", items, ")", span, split)

    def generators(self, generators: Sequence[n.Generator], inside: bool) -> Doc:
        docs = [(each.target, " in ", self.expr(each.domain, RANGE, inside)) for each in generators]
        separator: Doc = (",", LINE) if inside else ", "
        return join(separator, docs)

    def pattern(self, pattern: n.ShapePattern) -> Doc:
        return ("[", join(", ", [self.expr(dim) for dim in pattern.dims]), "]")

    def _item(self, expr: n.Expr) -> Doc:
        """An expression between commas: what it continues on is indented."""
        doc = self.expr(expr, COND, True)
        return Indent(doc) if isinstance(expr, n.Conditional | n.Binary) else doc

    def _items(self, exprs: Sequence[n.Expr]) -> list[Item]:
        return [(expr.span, self._item(expr)) for expr in exprs]

    def _binary(self, expr: n.Binary, inside: bool) -> Doc:
        own = _BINARY[expr.op]
        if own == POWER:
            return (self.expr(expr.left, POSTFIX, inside), " ^ ", self.expr(expr.right, UNARY, inside))
        blank: Doc = LINE if inside else " "
        parts: list[Doc] = []
        # A chain of equal precedence breaks before each of its operators or before none.
        left: n.Expr = expr
        while isinstance(left, n.Binary) and _BINARY[left.op] == own:
            parts.append((blank, left.op, " ", self.expr(left.right, own + 1, inside)))
            left = left.left
        return Group((self.expr(left, own + 1, inside), *reversed(parts)))

    def _conditional(self, expr: n.Conditional, inside: bool) -> Doc:
        blank: Doc = LINE if inside else " "
        parts: list[Doc] = [self.expr(expr.then, PIPE, inside)]
        parts += [blank, "if ", self.expr(expr.condition, OR, inside)]
        if expr.orelse is not None:
            parts += [blank, "else ", self.expr(expr.orelse, COND, inside)]
        return Group(tuple(parts))

    def _pipe(self, expr: n.Pipe, inside: bool) -> Doc:
        """`a -> b -> c`, filled; one stage a line if there are comments between the stages."""
        filled: list[Doc] = []
        lines: list[Doc] = []
        has_comments = False
        start = self.expr(expr.stages[0], CHOICE, inside)
        for previous, stage in pairwise(expr.stages):
            comments = self._take(previous.span.end, stage.span.start)
            has_comments = has_comments or bool(comments)
            doc = ("-> ", self.expr(stage, CHOICE, inside))
            filled.append(Group((LINE, doc)))
            lines += [behind(comments), (HARD, doc)]
        return (start, Indent(tuple(lines if has_comments else filled)))

    def _attributes(self, attributes: n.Attributes, blank: Doc) -> Doc:
        parts: list[Doc] = []
        if attributes.tied is not None:
            parts.append(("tied ", self.expr(attributes.tied, POSTFIX)))
        words = (
            ("relax", attributes.relax),
            ("decode", attributes.decode),
            ("never", attributes.never),
            ("as", attributes.alias),
        )
        parts += [f"{word} {value}" for word, value in words if value is not None]
        return tuple(Group((blank, part)) for part in parts)

    def _comprehension(self, expr: n.Comprehension) -> Doc:
        parts: list[Doc] = [self.expr(expr.element, COND, True), LINE, "for ", self.generators(expr.generators, True)]
        if expr.condition is not None:
            parts += [LINE, "if ", self.expr(expr.condition, OR, True)]
        comments = self._take(expr.span.start, expr.element.span.start)
        lines = tuple((HARD, comment.text) for comment in comments)
        return Group(("[", Indent((*lines, SOFT, Group(tuple(parts)))), SOFT, "]"))

    def bracket(self, opening: str, items: Sequence[Item], close: str, span: tuple[int, int], split: int | None) -> Doc:
        """Items between brackets, `;` before item `split`: filled, or one a line if there are comments among them."""
        if not items:
            return opening + close
        lines: list[Doc] = []
        filled: list[Doc] = []
        has_comments = False
        position = span[0]
        for number, (item_span, doc) in enumerate(items):
            comments = self._take(position, item_span.start)
            has_comments = has_comments or bool(comments)
            if number:
                lines.append(behind(comments))
            else:
                lines.extend((HARD, comment.text) for comment in comments)
            is_last = number == len(items) - 1
            mark = ";" if number + 1 == split else "" if is_last else ","
            lines.append((HARD, doc, mark))
            filled.append((doc, mark))
            position = item_span.end
        comments = self._take(position, span[1])
        if has_comments or comments:
            lines.append(behind(comments))
            return (opening, Indent(tuple(lines)), HARD, close)
        first: Doc = "; " if split == 0 else ""
        return Group((opening, Indent((SOFT, first, fill(filled))), SOFT, close))


def join(separator: Doc, docs: Sequence[Doc]) -> Doc:
    """Documents with a separator between each two."""
    return tuple(part for doc in docs for part in (separator, doc))[1:]


def guarded(doc: Doc, expr: n.Expr, words: frozenset[str]) -> Doc:
    """The document of an expression; its first name is put in parentheses if it would be read as one of `words`."""
    first = _leftmost(expr)
    return _parenthesised(doc, first.id) if isinstance(first, n.Name) and first.id in words else doc


def _parenthesised(doc: Doc, name: str) -> Doc:
    if isinstance(doc, tuple):
        first = next(number for number, part in enumerate(doc) if part and not isinstance(part, Line | IfBroken))
        return (*doc[:first], _parenthesised(doc[first], name), *doc[first + 1 :])
    if isinstance(doc, Group | Indent):
        return type(doc)(_parenthesised(doc.body, name))
    # Where the expression begins with parentheses already, the first text is one of those.
    return f"({name})" if doc == name else doc


def _leftmost(expr: n.Expr) -> n.Expr:
    """The part of an expression that its text begins with."""
    while True:
        match expr:
            case n.Conditional():
                inner: n.Expr = expr.then
            case n.Pipe():
                inner = expr.stages[0]
            case n.Via():
                inner = expr.value
            case n.Binary():
                inner = expr.left
            case n.Range():
                inner = expr.start
            case n.Call():
                inner = expr.callee
            case n.Index() | n.Member() | n.Maybe():
                inner = expr.base
            case _:
                return expr
        expr = inner


def behind(comments: Sequence[n.Comment]) -> Doc:
    """Comments that follow a piece of code: the first one on its line if it stood behind code."""
    return tuple(
        f"  {comment.text}" if number == 0 and not comment.own_line else (HARD, comment.text)
        for number, comment in enumerate(comments)
    )


def _hugs(expr: n.Expr) -> bool:
    """Whether the brackets of an only argument may stand directly inside those of the call: `sum([...])`."""
    if isinstance(expr, n.Pick):
        return isinstance(expr.source, n.List | n.Comprehension)
    return isinstance(expr, n.List | n.Comprehension)


def _quantity(quantity: n.Quantity) -> str:
    number = quantity.text.rstrip("abcdefghijklmnopqrstuvwxyzBGKM").rstrip() or repr(quantity.value)
    if quantity.unit in _PLAIN_UNITS:
        return number + quantity.unit
    is_plural = quantity.unit in _PLURAL_UNITS and quantity.value != 1
    return f"{number} {quantity.unit}{'s' if is_plural else ''}"
