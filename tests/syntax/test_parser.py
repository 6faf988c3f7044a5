"""Texts and their trees, spans and comments."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascompile.diagnostics import NasError
from nascompile.resources import resource
from nascompile.source import Source, Span
from nascompile.syntax import nodes as n
from nascompile.syntax.formatter import format_expression
from nascompile.syntax.parser import parse, parse_expression

SHIPPED = sorted(resource("specs").rglob("*.nas"))


def module(text: str) -> n.Module:
    return parse(Source("test.nas", f"nas 1\n{text}\n"))


def declaration(text: str) -> n.Declaration:
    (only,) = module(text).declarations
    return only


def statements(text: str) -> tuple[n.Statement, ...]:
    op = declaration(f"op f() {{\n{text}\n}}")
    assert isinstance(op, n.OpDecl)
    return op.body


def expression(text: str) -> n.Expr:
    return parse_expression(Source("test.nas", text))


def grouped(expr: n.Expr) -> str:
    """The expression with a pair of braces around each of its parts that is not a single word."""
    match expr:
        case n.Name():
            return expr.id
        case n.Number() | n.Quantity():
            return expr.text
        case n.Binary():
            return f"{{{grouped(expr.left)} {expr.op} {grouped(expr.right)}}}"
        case n.Unary():
            return f"{{{expr.op} {grouped(expr.operand)}}}"
        case n.Range():
            return f"{{{grouped(expr.start)} .. {'' if expr.stop is None else grouped(expr.stop)}}}"
        case n.Conditional():
            orelse = "" if expr.orelse is None else f" else {grouped(expr.orelse)}"
            return f"{{{grouped(expr.then)} if {grouped(expr.condition)}{orelse}}}"
        case n.Pipe():
            return f"{{{' -> '.join(grouped(stage) for stage in expr.stages)}}}"
        case n.Via():
            return f"{{{grouped(expr.value)} via {grouped(expr.operators)}}}"
        case n.Pick():
            count = expr.count if isinstance(expr.count, str) else grouped(expr.count)
            return f"{{pick {count} of {grouped(expr.source)}}}"
        case n.Fresh():
            return f"{{fresh {grouped(expr.call)}}}"
        case n.Call():
            return f"{grouped(expr.callee)}({', '.join(grouped(argument.value) for argument in expr.arguments)})"
        case n.Index():
            return f"{grouped(expr.base)}[{', '.join(grouped(index) for index in expr.indices)}]"
        case _:
            raise AssertionError(expr)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_specs_parse(path: Path) -> None:
    assert parse(Source(path.name, path.read_text("utf-8"))).version == 1


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a or b and c", "{a or {b and c}}"),
        ("not a == b", "{not {a == b}}"),
        ("not a and b", "{{not a} and b}"),
        ("a in 1 .. b + 1", "{a in {1 .. {b + 1}}}"),
        ("a not in b or c", "{{a not in b} or c}"),
        ("a + b * c", "{a + {b * c}}"),
        ("a - b - c", "{{a - b} - c}"),
        ("a // b % c", "{{a // b} % c}"),
        ("-a ^ 2", "{- {a ^ 2}}"),
        ("2 ^ -a", "{2 ^ {- a}}"),
        ("2 ^ a ^ b", "{2 ^ {a ^ b}}"),
        ("-a * b", "{{- a} * b}"),
        ("c * 2 ^ v if double else c", "{{c * {2 ^ v}} if double else c}"),
        ("a -> b if c else d -> e", "{{a -> b} if c else {d -> e}}"),
        ("a if b else c if d else e", "{a if b else {c if d else e}}"),
        ("(a if b) if c", "{{a if b} if c}"),
        ("x + h -> f", "{{x + h} -> f}"),
        ("s * (x -> f -> sigmoid)", "{s * {x -> f -> sigmoid}}"),
        ("(x -> f) + (x -> g) -> softmax", "{{{x -> f} + {x -> g}} -> softmax}"),
        ("x -> pick one of ops(c) -> f", "{x -> {pick one of ops(c)} -> f}"),
        ("a -> b via c", "{a -> {b via c}}"),
        ("a + b via c", "{{a + b} via c}"),
        ("a via (b if c else d)", "{a via {b if c else d}}"),
        ("pick 2 of a .. b", "{pick 2 of {a .. b}}"),
        ("pick k + 1 of a", "{pick {k + 1} of a}"),
        ("fresh f(a) -> b", "{{fresh f(a)} -> b}"),
        ("s[2 ..]", "s[{2 .. }]"),
        ("1 .. longest - 2", "{1 .. {longest - 2}}"),
    ],
)
def test_precedence(text: str, tree: str) -> None:
    assert grouped(expression(text)) == tree


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("4M", 4, "M"),
        ("10 k", 10, "k"),
        ("1.5G", 1.5, "G"),
        ("20 ms", 20, "ms"),
        ("20ms", 20, "ms"),
        ("80 epochs", 80, "epoch"),
        ("1 epoch", 1, "epoch"),
        ("2 months", 2, "month"),
        ("1 year", 1, "year"),
        ("10 years", 10, "year"),
        ("3 hours", 3, "hour"),
        ("8 GiB", 8, "GiB"),
        ("1e3 steps", 1000.0, "step"),
        ("2 s", 2, "s"),
        ("5 minutes", 5, "minute"),
        ("7 days", 7, "day"),
        ("512 MiB", 512, "MiB"),
    ],
)
def test_quantities(text: str, value: float, unit: str) -> None:
    quantity = expression(text)
    assert quantity == n.Quantity(value, unit, text)


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("1.0", 1.0), ("3e-4", 3e-4), ("1e-3", 1e-3), ("2.5E+2", 250.0)])
def test_numbers_keep_their_text(text: str, value: float) -> None:
    number = expression(text)
    assert isinstance(number, n.Number)
    assert (number.value, type(number.value), number.text) == (value, type(value), text)


def test_ranges_need_no_blanks() -> None:
    assert expression("0..<n") == expression("0 ..< n")
    assert expression("1..4") == expression("1 .. 4")


def test_words_of_the_language_are_names_where_only_a_name_can_stand() -> None:
    assert statements("stage = 3\nx.where -> one\ntask -> f(measure, shape = 2)") == (
        n.Assign(n.Name("stage"), expression("3")),
        n.Value(n.Pipe((n.Member(n.Name("x"), "where"), n.Name("one")))),
        n.Value(expression("task -> f(measure, shape = 2)")),
    )


def test_calls_remember_their_semicolon() -> None:
    call = expression("f(a, b?; c, d = 1)")
    assert isinstance(call, n.Call)
    assert [argument.name for argument in call.arguments] == [None, None, None, "d"]
    assert call.split == 2
    with_options_only, plain = expression("f(; c)"), expression("f(c)")
    assert isinstance(with_options_only, n.Call) and with_options_only.split == 0
    assert isinstance(plain, n.Call) and plain.split is None


def test_lists_and_calls_may_end_in_a_comma() -> None:
    assert expression("f([a, b,], c,)") == expression("f([a, b], c)")


def test_a_layer() -> None:
    layer = declaration(
        '# Two lines\n# of doc.\nlayer conv(c, mode: nearest | linear = nearest) extern "pkg:Conv" {\n'
        "  shape [ch, *s], [ch] -> [c, *window(s, 3)], [c]\n  weight w [c, *k] if c > 1\n  buffer m [c]\n"
        '  macs prod(w)\n  require c > 0 else "no"\n  measure ram = 2\n}'
    )
    assert isinstance(layer, n.LayerDecl)
    assert layer.doc == "Two lines\nof doc."
    assert layer.extern == "pkg:Conv"
    assert layer.parameters[1] == n.Parameter("mode", ("nearest", "linear"), n.Name("nearest"))
    window = n.Unary("*", expression("window(s, 3)"))
    assert layer.shape == n.ShapeRule(
        (n.ShapePattern((n.Name("ch"), n.Star("s"))), n.ShapePattern((n.Name("ch"),))),
        None,
        (n.ShapePattern((n.Name("c"), window)), n.ShapePattern((n.Name("c"),))),
    )
    assert layer.weights == (
        n.WeightRule("w", n.ShapePattern((n.Name("c"), n.Star("k"))), expression("c > 1")),
        n.WeightRule("m", n.ShapePattern((n.Name("c"),)), None, is_buffer=True),
    )
    assert layer.macs == expression("prod(w)")
    assert layer.requires == (n.Require(expression("c > 0"), "no"),)
    assert layer.measures == (n.Measure("ram", expression("2")),)


def test_a_layer_of_any_number_of_tensors() -> None:
    layer = declaration("layer concat() { shape many x -> joined(x) }")
    assert isinstance(layer, n.LayerDecl)
    assert layer.shape == n.ShapeRule((), "x", (expression("joined(x)"),))


@pytest.mark.parametrize(
    ("text", "tensors", "parameters"),
    [
        ("op f(c) = relu", [], ["c"]),
        ("op f(x; c) = relu", ["x"], ["c"]),
        ("op f(x;) = relu", ["x"], []),
        ("cell f(a, b) {\na\n}", ["a", "b"], []),
        ("cell f(a; c) {\na\n}", ["a"], ["c"]),
        ("cell f(; c) {\nc\n}", [], ["c"]),
        ("space f(x: image) {\nx\n}", ["x"], []),
        ("space f(x: image; classes = 2) {\nx\n}", ["x"], ["classes"]),
    ],
)
def test_tensors_stand_before_the_semicolon(text: str, tensors: list[str], parameters: list[str]) -> None:
    op = declaration(text)
    assert isinstance(op, n.OpDecl)
    assert ([p.name for p in op.tensors], [p.name for p in op.parameters]) == (tensors, parameters)


def test_candidates_go_on_over_lines() -> None:
    ops = declaration(
        "ops down(c) = pool: avg_pool(2) | identity\n  # why\n  | three: f(c) if rank(x) == 3\n  | a if b else c"
    )
    assert isinstance(ops, n.OpsDecl)
    assert [(each.label, format_expression(each.value), each.condition) for each in ops.candidates] == [
        ("pool", "avg_pool(2)", None),
        (None, "identity", None),
        ("three", "f(c)", expression("rank(x) == 3")),
        (None, "a if b else c", None),
    ]


def test_pipes_go_on_over_lines() -> None:
    assert statements("y = x\n  -> f ->\n  # why\n\n  g") == statements("y = x -> f -> g")


def test_loops() -> None:
    generator = n.Generator("i", expression("0 ..< 3"))
    body = (n.Value(n.Name("a")),)
    assert statements("for i in 0 ..< 3, j in b if i != j { a }") == (
        n.For((generator, n.Generator("j", n.Name("b"))), expression("i != j"), body),
    )
    assert statements("repeat n[p] in 1 .. (4 if s else 5) as i {\na\n}") == (
        n.Repeat(expression("n[p]"), expression("1 .. (4 if s else 5)"), "i", body),
    )
    assert statements("repeat max(r[g], 1) as i { a }") == (n.Repeat(None, expression("max(r[g], 1)"), "i", body),)


def test_attributes_of_decisions() -> None:
    pick = expression("pick some of a relax bernoulli decode all never none as kept")
    assert pick == n.Pick("some", n.Name("a"), n.Attributes("bernoulli", "all", None, "none", "kept"))
    via = expression("a via b tied t[i, j]")
    assert via == n.Via(n.Name("a"), n.Name("b"), n.Attributes(tied=expression("t[i, j]")))


def test_declarations_of_numbers_tasks_and_searches() -> None:
    found = module(
        "LIMIT = 4M\ngroups(c, k = 2) = c // k\ntask both = union(a, b)\ntask t {\n  metric = dice\n}\n"
        "cell reduce = darts(stride = 2)\nsearch s : f(c = 1) on t {\n  stage one { budget = 3 epochs }\n"
        "  maximize dice\n  minimize a, b\n}\nnarrow n : f {\n  d.s[2] in [a, b]\n  w = 3\n}"
    ).declarations
    assert [type(each) for each in found] == [
        n.ConstantDecl,
        n.FunctionDecl,
        n.TaskDecl,
        n.TaskDecl,
        n.CellAlias,
        n.SearchDecl,
        n.GenotypeDecl,
    ]
    assert found[1] == n.FunctionDecl(
        "groups", (n.Parameter("c"), n.Parameter("k", (), expression("2"))), expression("c // k")
    )
    assert isinstance(found[2], n.TaskDecl) and found[2].value == expression("union(a, b)")
    assert isinstance(found[5], n.SearchDecl)
    assert found[5].body[1:] == (
        n.Objective("maximize", (n.Name("dice"),)),
        n.Objective("minimize", (n.Name("a"), n.Name("b"))),
    )
    assert isinstance(found[6], n.GenotypeDecl)
    assert found[6].body[0] == n.Restrict(expression("d.s[2]"), expression("[a, b]"))
    assert isinstance(found[6].body[1], n.Assign)


def test_imports() -> None:
    assert module("import std.layers\nimport darts").imports == (n.Import(("std", "layers")), n.Import(("darts",)))


def nodes_in(value: object) -> list[n.Node]:
    if isinstance(value, tuple):
        return [node for each in value for node in nodes_in(each)]
    if not isinstance(value, n.Node):
        return []
    fields = [getattr(value, name) for name in value.__dataclass_fields__ if name not in ("span", "comments")]
    return [value, *nodes_in(tuple(fields))]


def test_spans_are_exact() -> None:
    text = "nas 1\nop f(x; c, k = 3) {\n  y = (x -> g)(a, b = c + 1)[0]?  # why\n  unused y\n}\n"
    found = parse(Source("test.nas", text))
    spans = {(type(node).__name__, node.span.text) for node in nodes_in(found)}
    assert {
        ("OpDecl", text[6:-1]),
        ("Parameter", "k = 3"),
        ("Assign", "y = (x -> g)(a, b = c + 1)[0]?"),
        ("Maybe", "(x -> g)(a, b = c + 1)[0]?"),
        ("Index", "(x -> g)(a, b = c + 1)[0]"),
        ("Call", "(x -> g)(a, b = c + 1)"),
        ("Pipe", "x -> g"),
        ("Argument", "b = c + 1"),
        ("Binary", "c + 1"),
        ("Unused", "unused y"),
    } <= spans


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_span_of_every_expression_parses_to_the_expression(path: Path) -> None:
    source = Source(path.name, path.read_text("utf-8"))
    checked = 0
    for node in nodes_in(parse(source)):
        assert node.span.source is source
        if isinstance(
            node, n.Name | n.Call | n.Index | n.List | n.Comprehension | n.Binary | n.Pick | n.Via | n.Number
        ):
            assert parse_expression(Source("part", node.span.text)) == node
            checked += 1
    assert checked > 20 or not parse(source).declarations


def test_comments_are_kept_with_their_places() -> None:
    found = parse(Source("test.nas", "# top\nnas 1  # version\n\n# own\nop f(c) = g(\n  # inside\n  c)  # behind\n"))
    assert [(comment.text, comment.own_line) for comment in found.comments] == [
        ("# top", True),
        ("# version", False),
        ("# own", True),
        ("# inside", True),
        ("# behind", False),
    ]
    assert found.comments[-1].span == Span(found.comments[-1].span.source, 60, 68)


def test_windows_line_ends_and_a_byte_order_mark() -> None:
    text = "\ufeffnas 1\r\n# doc\r\nop f(c) = g(\r\n  c)\r\n\r\n"
    found = parse(Source("test.nas", text))
    assert found == module("op f(c) = g(c)")
    assert found.comments[0].text == "# doc"


def test_trees_too_deep_to_walk_are_refused() -> None:
    for text in (
        "(" * 5000 + "1" + ")" * 5000,
        "-" * 5000 + "1",
        "1" + " ^ 1" * 5000,
        "1" + " + 1" * 5000,
        "f(" * 3000 + ")" * 3000,
    ):
        with pytest.raises(NasError) as caught:
            expression(text)
        assert caught.value.diagnostics[0].code == "too-deep"
    assert format_expression(expression("1" + " + 1" * 90)) == "1" + " + 1" * 90
