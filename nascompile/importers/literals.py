"""Python and JSON literals with the place of every value. The text is parsed, never run.

Accepted: numbers, strings, `None`, booleans, lists, tuples, dictionaries, `range(2, 6)`, arrays as NumPy prints them,
records such as `Genotype(normal=[...])`, and `NAME = value` with them. Everything else is a diagnostic; imports,
functions and classes of a file are passed over unread.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field

from nascompile.diagnostics import Diagnostic, Label, NasError, did_you_mean, error
from nascompile.importers.values import Mapping, Record, Scalar, Sequence, Value
from nascompile.source import Source, Span

LONGEST_TEXT = 2_000_000  # characters
MOST_VALUES = 200_000
LONGEST_RANGE = 10_000
RECORD = re.compile(r"[A-Z]\w*")
COPIES = ("list", "tuple", "array", "tensor", "np.array", "numpy.array", "torch.tensor")
NUMBERS = re.compile(r"(?:np|numpy)\.(?:float|int)(?:16|32|64)|int|float")
JSON_WORDS = {"true": True, "false": False, "null": None}
HINT = "numbers, strings, lists, dictionaries, `range(...)` and records such as `Genotype(...)` are read, nothing else"


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of the text and the name that it is assigned to; `others` are further names of the same value."""

    name: str | None
    value: Value
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """What a text holds. `fields`: those of the records that it declares (`namedtuple`). `unread` says what was
    passed over."""

    entries: tuple[Entry, ...]
    fields: dict[str, tuple[str, ...]]
    unread: tuple[str, ...]


def read_document(source: Source) -> Document:
    """All values of a text. Raises NasError with every mistake: `not-a-literal`, `literal-syntax`, `literal-size`."""
    reader = _Reader(source)
    entries: list[Entry] = []
    for statement in reader.parse():
        reader.statement(statement, entries)
    if reader.problems:
        raise NasError(reader.problems)
    return Document(tuple(entries), reader.fields, tuple(reader.unread))


def read_within(text: Scalar, start: int) -> Value | None:
    """The literal that stands in a string from character `start` on, or None. Its spans are those of the string."""
    content = str(text.value)[start:]
    try:
        entries = read_document(Source(text.span.source.name, content)).entries
    except NasError:
        return None
    return _placed(entries[0].value, text.span) if len(entries) == 1 and entries[0].name is None else None


def _placed(value: Value, span: Span) -> Value:
    if isinstance(value, Scalar):
        return Scalar(value.value, span)
    if isinstance(value, Sequence):
        return Sequence(tuple(_placed(item, span) for item in value.items), span)
    if isinstance(value, Mapping):
        return Mapping({k: _placed(v, span) for k, v in value.items.items()}, dict.fromkeys(value.keys, span), span)
    named = _placed(value.named, span)
    assert isinstance(named, Mapping)
    return Record(value.name, tuple(_placed(v, span) for v in value.positional), named, span)


class _Refused(Exception):
    """A part of a value was no literal; it has been reported."""


@dataclass(slots=True)
class _Reader:
    source: Source
    problems: list[Diagnostic] = field(default_factory=list)
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    count: int = 0
    lead: int = 0
    starts: list[int] = field(default_factory=list)

    def parse(self) -> list[ast.stmt]:
        text = self.source.text
        if len(text) > LONGEST_TEXT:
            raise error("literal-size", f"`{self.source.name}` has {len(text):,} characters; {LONGEST_TEXT:,} are read")
        body = text.lstrip()
        self.lead = len(text) - len(body)
        self.starts = [0, *(m.end() for m in re.finditer("\n", body))]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an odd escape in a string is no matter here
                return ast.parse(body).body
        except SyntaxError as cause:
            line = min(max(cause.lineno or 1, 1), len(self.starts))
            at = min(self.lead + self.starts[line - 1] + max((cause.offset or 1) - 1, 0), max(len(text) - 1, 0))
            span = Span(self.source, at, min(at + 1, len(text)))
            raise error("literal-syntax", f"this is neither Python nor JSON: {cause.msg}", span) from None
        except (ValueError, RecursionError, MemoryError) as cause:
            message = str(cause) or "it is nested too deeply"
            raise error("literal-syntax", f"`{self.source.name}` cannot be parsed: {message}") from None

    def statement(self, node: ast.stmt, entries: list[Entry]) -> None:
        """Append what a statement of the text holds, or report it."""
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            kind = {ast.ClassDef: "class", ast.Import: "import", ast.ImportFrom: "import"}.get(type(node), "function")
            self.unread.append(f"{kind} in line {self.span(node).line}")
            return
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        elif isinstance(node, ast.Expr):
            targets, value = [], node.value
        elif isinstance(node, ast.Pass):
            return
        else:
            self.refuse(node)
            return
        wrong = [t for t in targets if not isinstance(t, ast.Name)]
        names = [t.id for t in targets if isinstance(t, ast.Name)]
        for target in wrong:
            self.refuse(target)
        if wrong or (names and self._declares_record(names[0], value)):
            return
        if isinstance(value, ast.Name) and names and value.id not in JSON_WORDS:
            self._alias(names, value, entries)
            return
        try:
            found = self.value(value)
        except _Refused:
            return
        entries.append(Entry(names[0] if names else None, found, tuple(names[1:])))

    def _alias(self, names: list[str], value: ast.Name, entries: list[Entry]) -> None:
        for index, entry in enumerate(entries):
            if value.id in (entry.name, *entry.others):
                entries[index] = Entry(entry.name, entry.value, (*entry.others, *names))
                return
        known = [e.name for e in entries if e.name is not None]
        message = f"nothing above is called `{value.id}`"
        self.problems.append(
            Diagnostic("not-a-literal", message, Label(self.span(value)), (), did_you_mean(value.id, known))
        )

    def _declares_record(self, name: str, value: ast.expr) -> bool:
        """Whether `name = namedtuple("name", "a b")`; its fields are remembered."""
        if not isinstance(value, ast.Call) or self.callee(value.func) not in ("namedtuple", "collections.namedtuple"):
            return False
        try:
            given = [self.value(argument) for argument in value.args]
        except _Refused:
            return True
        listed = given[1] if len(given) > 1 else None
        if isinstance(listed, Scalar):
            self.fields[name] = tuple(str(listed.value).replace(",", " ").split())
        elif isinstance(listed, Sequence):
            self.fields[name] = tuple(str(item.value) for item in listed.items if isinstance(item, Scalar))
        return True

    def value(self, node: ast.expr) -> Value:
        """The value of an expression. Raises _Refused, after reporting every part that is none."""
        self.count += 1
        if self.count > MOST_VALUES:
            raise error("literal-size", f"more than {MOST_VALUES:,} values", self.span(node))
        span = self.span(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str | None):
            return Scalar(_joined(node.value) if isinstance(node.value, str) else node.value, span)
        if isinstance(node, ast.Name) and node.id in JSON_WORDS:
            return Scalar(JSON_WORDS[node.id], span)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            inner = self.value(node.operand)
            if isinstance(inner, Scalar) and isinstance(inner.value, int | float) and not isinstance(inner.value, bool):
                return Scalar(-inner.value if isinstance(node.op, ast.USub) else inner.value, span)
        if isinstance(node, ast.List | ast.Tuple):
            return Sequence(self.values(node.elts), span)
        if isinstance(node, ast.Dict):
            return self._dictionary(node, span)
        if isinstance(node, ast.Call):
            return self._call(node, span)
        self.refuse(node)
        raise _Refused

    def values(self, nodes: list[ast.expr]) -> tuple[Value, ...]:
        """The values of some expressions; all that are wrong are reported."""
        found: list[Value] = []
        for node in nodes:
            try:
                found.append(self.value(node))
            except _Refused:
                continue
        if len(found) < len(nodes):
            raise _Refused
        return tuple(found)

    def _dictionary(self, node: ast.Dict, span: Span) -> Mapping:
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                self.refuse(value)
        keys = self.values([key for key in node.keys if key is not None])
        values = self.values(node.values)
        if len(keys) < len(values):
            raise _Refused
        names = [str(key.value) if isinstance(key, Scalar) else key.span.text for key in keys]
        spans = {name: key.span for name, key in zip(names, keys, strict=True)}
        return Mapping(dict(zip(names, values, strict=True)), spans, span)

    def _call(self, node: ast.Call, span: Span) -> Value:
        name = self.callee(node.func)
        is_record = RECORD.fullmatch(name) is not None
        if not is_record and name not in (*COPIES, "range", "dict") and not NUMBERS.fullmatch(name):
            self.refuse(node)
            raise _Refused
        positional = self.values(node.args)
        # An array is printed with its `dtype=int64`, a bare name that changes nothing here.
        keywords = [k for k in node.keywords if not (name in COPIES and k.arg == "dtype")]
        for keyword in keywords:
            if keyword.arg is None:
                self.refuse(keyword.value)
                raise _Refused
        values = self.values([keyword.value for keyword in keywords])
        names = [keyword.arg or "" for keyword in keywords]
        places = {keyword.arg or "": self._keyword(keyword) for keyword in keywords}
        named = Mapping(dict(zip(names, values, strict=True)), places, span)
        if is_record:
            return Record(name, positional, named, span)
        if name == "dict" and not positional:
            return named
        found = self._range(positional, span) if name == "range" else _copy(name, positional, span)
        if found is None:
            self.refuse(node)
            raise _Refused
        return found

    def _range(self, given: tuple[Value, ...], span: Span) -> Sequence | None:
        numbers = [v.value for v in given if isinstance(v, Scalar) and type(v.value) is int]
        if len(numbers) != len(given) or not 1 <= len(numbers) <= 3 or (len(numbers) == 3 and numbers[2] == 0):
            return None
        items = range(*numbers)
        if max(map(abs, numbers)) > LONGEST_RANGE:
            raise error("literal-size", f"a range within {LONGEST_RANGE:,} is read", span)
        self.count += len(items)
        return Sequence(tuple(Scalar(i, span) for i in items), span)

    def _keyword(self, keyword: ast.keyword) -> Span:
        start = self.offset(keyword.lineno, keyword.col_offset)
        return Span(self.source, start, start + len(keyword.arg or ""))

    def callee(self, node: ast.expr) -> str:
        """`Genotype`, `np.array`; empty for anything that is no plain name."""
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return f"{node.value.id}.{node.attr}"
        return ""

    def refuse(self, node: ast.AST) -> None:
        span = self.span(node)
        shown = " ".join(span.text.split())
        shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
        message = f"`{shown}` is code, and what is imported is never run"
        self.problems.append(Diagnostic("not-a-literal", message, Label(span), (), HINT))

    def span(self, node: ast.AST) -> Span:
        start = self.offset(getattr(node, "lineno", 1), getattr(node, "col_offset", 0))
        end = self.offset(getattr(node, "end_lineno", None) or 1, getattr(node, "end_col_offset", None) or 0)
        return Span(self.source, start, max(start + 1, end))

    def offset(self, line: int, column: int) -> int:
        """The character that Python's line and column mean; its columns count bytes of UTF-8."""
        start = self.starts[line - 1] + self.lead
        end = self.starts[line] + self.lead if line < len(self.starts) else len(self.source.text)
        text = self.source.text[start:end]
        return start + (column if text.isascii() else len(text.encode()[:column].decode(errors="ignore")))


def _joined(text: str) -> str:
    """JSON writes characters beyond the first 65,536 as two surrogates; a lone one becomes a replacement mark."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _copy(name: str, given: tuple[Value, ...], span: Span) -> Value | None:
    first = given[0] if given else Sequence((), span)
    if name in COPIES:
        return Sequence(first.items, span) if isinstance(first, Sequence) else None
    return Scalar(first.value, span) if isinstance(first, Scalar) and len(given) == 1 else None
