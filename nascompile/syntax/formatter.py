"""Tree to text: the one canonical form, 100 columns, every comment kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, assert_never

from nascompile.source import NOWHERE, Source, Span
from nascompile.syntax import nodes as n
from nascompile.syntax.comments import Comments
from nascompile.syntax.expression_text import COND, OR, PIPE, ExpressionPrinter, behind, join
from nascompile.syntax.layout import HARD, LINE, Doc, Group, Indent, lay_out
from nascompile.syntax.statement_text import StatementPrinter

WIDTH = 100

# A function that is called like one of these stands in parentheses.
_DECLARATION_WORDS = frozenset(
    ("import", "layer", "op", "ops", "cell", "space", "genotype", "narrow", "task", "search")
)
# The words of a layer's lines are padded to the longest.
_LAYER_COLUMN = len("require ")


def format_module(module: n.Module, source: Source) -> str:
    """The canonical text of a module that was parsed from `source`, which gives the comments and the blank lines.

    Up to one blank line between two statements is kept. A module made by a program (its spans are nowhere) gets a blank
    line around each declaration with a body.
    """
    return _Formatter(module.comments, source).module(module)


def format_expression(expr: n.Expr) -> str:
    """An expression on one line, for labels and genotypes."""
    return lay_out(Group(ExpressionPrinter().expr(expr)), width=1_000_000)


def format_declaration(declaration: n.Declaration) -> str:
    """The canonical text of one declaration, without comments and without a newline at its end."""
    formatter = _Formatter((), NOWHERE.source)
    formatter.declaration(declaration)
    return "\n".join(formatter.lines)


# Closing parentheses, with the blanks and comments before them.
_CLOSING = re.compile(r"(?:(?:\s|#[^\n]*\n)*\))*")


@dataclass(frozen=True, slots=True)
class _Macs(n.Node):
    value: n.Expr


_WithBody = n.OpDecl | n.GenotypeDecl | n.TaskDecl | n.SearchDecl | n.For | n.Repeat | n.Stage


class _Formatter:
    """Writes lines. Its state: what is written, which comments are, and the source's line it has come to."""

    def __init__(self, comments: Sequence[n.Comment], source: Source):
        self.lines: list[str] = []
        self._source = source
        self._last_line: int | None = None
        self._comments = Comments(comments)
        self._printer = StatementPrinter(self._comments.take)

    # --- modules and blocks ---

    def module(self, module: n.Module) -> str:
        text_end = len(self._source.text)
        items: list[n.Import | n.Declaration] = [*module.imports, *module.declarations]
        items.sort(key=lambda item: item.span.start)
        self._own_lines(self._comments.take(0, module.span.start), 0)
        self._gap(module)
        self.lines.append(f"nas {module.version}")
        self._last_line = module.span.line
        version_end = module.span.start + len("nas 1")
        self._trailing(version_end, items[0].span.start if items else text_end)
        self._sequence(items, 0, version_end, text_end, self.declaration)
        return "\n".join(self.lines) + "\n"

    def _sequence(
        self, items: Sequence[Any], indent: int, start: int, end: int, write: Callable[[Any, int], None]
    ) -> None:
        """Items one under the other, with the comments between them and those before `end`."""
        position = start
        for number, item in enumerate(items):
            self._own_lines(self._comments.take(position, item.span.start), indent)
            if not self._is_ours(item):
                self._last_line = None
                if number and indent == 0 and _needs_room(items[number - 1], item):
                    self.lines.append("")
            self._gap(item)
            write(item, indent)
            self._last_line = self._line(max(item.span.end - 1, item.span.start))
            position = item.span.end
            self._trailing(position, items[number + 1].span.start if number + 1 < len(items) else end)
        self._own_lines(self._comments.take(position, end), indent)

    def _block(self, header: Doc, node: _WithBody, indent: int) -> None:
        column = 0
        if isinstance(node, n.TaskDecl | n.SearchDecl | n.Stage):
            # Fields are a table: their `=` stand in one column.
            targets = [each.target for each in node.body if isinstance(each, n.Assign)]
            column = max((len(target.id) for target in targets if isinstance(target, n.Name)), default=0)
        self._braces(header, node, indent, node.body, partial(self.statement, column=column))

    def _braces(
        self, header: Doc, node: Any, indent: int, body: Sequence[Any], write: Callable[[Any, int], None]
    ) -> None:
        """`header { body }`, the body indented. What stood behind the `{` stays there."""
        first = body[0].span.start if body else node.span.end
        if not body and not self._comments.any_left(node.span.start, node.span.end):
            self._write((header, " {}"), node, indent)
            return
        self._write((header, " {"), node, indent, hoist=False)
        comments = self._comments.take(node.span.start, first, own_line=False)
        if comments:
            self.lines[-1] += f"  {comments[0].text}"
        self._own_lines(comments[1:], indent + 2)
        self._last_line = None
        self._sequence(body, indent + 2, node.span.start, node.span.end, write)
        self.lines.append(" " * indent + "}")

    # --- declarations ---

    def declaration(self, node: n.Import | n.Declaration, indent: int = 0) -> None:
        show = self._printer.expr
        match node:
            case n.Import():
                self._write(f"import {'.'.join(node.path)}", node, indent)
            case n.LayerDecl():
                self._layer(node, indent)
            case n.OpsDecl():
                self._ops(node, indent)
            case n.OpDecl():
                split = len(node.tensors) if (node.tensors if node.kind == "op" else node.parameters) else None
                parameters = self._parameters(node, (*node.tensors, *node.parameters), split)
                header: Doc = (f"{node.kind} {node.name}", parameters)
                if node.is_short and isinstance(node.body[0], n.Value):
                    self._write((header, " = ", self._printer.value(node.body[0].value)), node, indent)
                else:
                    self._block(header, node, indent)
            case n.CellAlias():
                self._write((f"cell {node.name} = ", show(node.value)), node, indent)
            case n.FunctionDecl():
                name = f"({node.name})" if node.name in _DECLARATION_WORDS else node.name
                header = (name, self._parameters(node, node.parameters, None))
                self._write((header, " = ", self._printer.value(node.value)), node, indent)
            case n.ConstantDecl():
                self._write((node.name, " = ", self._printer.value(node.value)), node, indent)
            case n.GenotypeDecl():
                self._block((f"{node.kind} {node.name} : ", show(node.space)), node, indent)
            case n.TaskDecl() if node.value is not None:
                self._write((f"task {node.name} = ", self._printer.value(node.value)), node, indent)
            case n.TaskDecl():
                self._block(f"task {node.name}", node, indent)
            case n.SearchDecl():
                header = (f"search {node.name} : ", show(node.space), " on ", show(node.task))
                self._block(header, node, indent)
            case _:
                assert_never(node)

    def _parameters(self, node: n.Declaration, parameters: Sequence[n.Parameter], split: int | None) -> Doc:
        items = [(parameter.span, self._parameter(parameter)) for parameter in parameters]
        end = parameters[-1].span.end if parameters else node.span.start
        return self._printer.bracket("(", items, ")", (node.span.start, end), split)

    def _parameter(self, parameter: n.Parameter) -> Doc:
        kinds = f": {' | '.join(parameter.kinds)}" if parameter.kinds else ""
        if parameter.default is None:
            return parameter.name + kinds
        return (f"{parameter.name}{kinds} = ", self._printer.expr(parameter.default, COND, True))

    def _ops(self, node: n.OpsDecl, indent: int) -> None:
        header: Doc = f"ops {node.name}"
        if node.tensors or node.parameters:
            split = len(node.tensors) or None
            header = (header, self._parameters(node, (*node.tensors, *node.parameters), split))
        doc = self._candidate(node.candidates[0])
        start = (header, " = ", doc)
        filled: list[Doc] = []
        lines: list[Doc] = []
        has_comments = False
        for previous, candidate in pairwise(node.candidates):
            comments = self._comments.take(previous.span.end, candidate.span.start)
            has_comments = has_comments or bool(comments)
            # What follows a candidate of several lines starts on a line of its own.
            separator = LINE if len(lay_out(Group(doc), 10 * WIDTH)) < WIDTH - indent - len("  | ") else HARD
            doc = ("| ", self._candidate(candidate))
            filled.append(Group((separator, doc)))
            lines += [behind(comments), (HARD, doc)]
        self._write((start, Indent(tuple(lines if has_comments else filled))), node, indent)

    def _candidate(self, candidate: n.Candidate) -> Doc:
        label = "" if candidate.label is None else f"{candidate.label}: "
        if candidate.condition is None:
            return (label, self._printer.expr(candidate.value))
        return (label, self._printer.expr(candidate.value, PIPE), " if ", self._printer.expr(candidate.condition, OR))

    def _layer(self, node: n.LayerDecl, indent: int) -> None:
        header: Doc = (f"layer {node.name}", self._parameters(node, node.parameters, None))
        if node.extern is not None:
            header = (header, f' extern "{node.extern}"')
        rules: list[Any] = [node.shape, *node.weights, *node.requires, *node.measures]
        if node.macs is not None:
            rules.append(self._macs(node, node.macs))
        rules.sort(key=lambda rule: rule.span.start)
        if len(rules) == 1 and self._on_one_line(header, lambda: self._rule(rules[0], 0), node, indent):
            return
        self._braces(header, node, indent, rules, self._write_rule)

    def _write_rule(self, rule: Any, indent: int) -> None:
        self._write(self._rule(rule, _LAYER_COLUMN), rule, indent)

    def _rule(self, rule: n.ShapeRule | n.WeightRule | n.Require | n.Measure | _Macs, column: int) -> Doc:
        show = self._printer
        match rule:
            case n.ShapeRule():
                given: Doc = join(", ", [show.pattern(pattern) for pattern in rule.inputs])
                if rule.many is not None:
                    given = f"many {rule.many}"
                made = [
                    show.pattern(out) if isinstance(out, n.ShapePattern) else show.expr(out) for out in rule.outputs
                ]
                return ("shape ".ljust(column), given, " -> ", join(", ", made))
            case n.WeightRule():
                word = "buffer " if rule.is_buffer else "weight "
                condition = () if rule.condition is None else (" if ", show.expr(rule.condition, OR))
                return (word.ljust(column), rule.name, " ", show.pattern(rule.shape), condition)
            case n.Require() | n.Measure():
                return self._printer.simple(rule)
            case _Macs():
                return ("macs ".ljust(column), self._printer.value(rule.value))
            case _:
                assert_never(rule)

    def _macs(self, node: n.LayerDecl, expr: n.Expr) -> _Macs:
        """The whole line of `macs EXPR`: the tree has the expression only, without its parentheses."""
        if not self._is_ours(expr):
            return _Macs(expr, span=expr.span)
        text = self._source.text
        start = text.rfind("macs", node.span.start, expr.span.start)
        closing = _CLOSING.match(text, expr.span.end)
        assert start >= 0 and closing is not None  # the first by the grammar; the pattern may be empty
        return _Macs(expr, span=Span(self._source, start, closing.end()))

    # --- statements ---

    def statement(self, node: n.Statement, indent: int, column: int = 0) -> None:
        match node:
            case n.For() | n.Repeat():
                header = self._printer.loop(node)
                body = node.body
                is_simple = len(body) == 1 and not isinstance(body[0], n.For | n.Repeat | n.Stage)
                if not (is_simple and self._on_one_line(header, lambda: self._printer.simple(body[0]), node, indent)):
                    self._block(header, node, indent)
            case n.Stage():
                self._block(f"stage {node.name}", node, indent)
            case _:
                self._write(self._printer.simple(node, column), node, indent)

    # --- lines and comments ---

    def _write(self, doc: Doc, node: Any, indent: int, hoist: bool = True) -> None:
        """Writes a document; comments inside it that found no place go before it."""
        if hoist:
            comments = self._comments.take(node.span.start, node.span.end)
            self.lines.extend(" " * indent + comment.text for comment in comments)
        text = lay_out(doc, WIDTH, indent)
        self.lines.extend((" " * indent + text).split("\n"))

    def _on_one_line(self, header: Doc, show: Callable[[], Doc], node: Any, indent: int) -> bool:
        """Writes `header { body }` if there are no comments in it and it fits on one line.

        `show` makes the body's document; it is not called if there are comments, for that would use them up.
        """
        if self._comments.any_left(node.span.start, node.span.end):
            return False
        text = lay_out((header, " { ", show(), " }"), WIDTH, indent)
        if "\n" in text or indent + len(text) > WIDTH:
            return False
        self.lines.append(" " * indent + text)
        return True

    def _own_lines(self, comments: Sequence[n.Comment], indent: int) -> None:
        for comment in comments:
            self._gap(comment)
            self.lines.append(" " * indent + comment.text)
            self._last_line = comment.span.line

    def _trailing(self, start: int, end: int) -> None:
        """Puts the comment that stands behind the last statement, on its line, behind it again."""
        line_end = self._source.text.find("\n", start)
        for comment in self._comments.take(start, end if line_end < 0 else min(end, line_end)):
            self.lines[-1] += f"  {comment.text}"

    def _gap(self, node: n.Node) -> None:
        """One blank line if the source has any here; none at the start of a block."""
        line = node.span.line
        if self._last_line is not None and line - self._last_line > 1:
            self.lines.append("")
        self._last_line = line

    def _line(self, offset: int) -> int:
        return self._source.position(offset)[0]

    def _is_ours(self, node: n.Node) -> bool:
        return node.span.source is self._source


def _needs_room(before: n.Node, node: n.Node) -> bool:
    """Whether a blank line belongs between two declarations of a module that a program made."""
    return not isinstance(node, n.Import) and (type(before) is not type(node) or not _is_short(node))


def _is_short(node: n.Node) -> bool:
    return isinstance(node, n.ConstantDecl | n.FunctionDecl | n.CellAlias) or (
        isinstance(node, n.OpDecl) and node.is_short
    )
