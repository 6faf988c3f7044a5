"""The canonical form: what it looks like, and the laws that it obeys."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nascompile.diagnostics import NasError
from nascompile.resources import resource
from nascompile.source import Source
from nascompile.syntax import nodes as n
from nascompile.syntax.formatter import WIDTH, format_declaration, format_expression, format_module
from nascompile.syntax.parser import parse, parse_expression

SHIPPED = sorted(resource("specs").rglob("*.nas"))
DECLARATIONS = [
    f"nas 1\n# doc\n{declaration.span.text}\n# end\n"
    for path in SHIPPED
    for declaration in parse(Source(path.name, path.read_text("utf-8"))).declarations
]


def formatted(text: str) -> str:
    source = Source("test.nas", text)
    return format_module(parse(source), source)


def obeys_the_laws(text: str) -> None:
    once = formatted(text)
    before, after = parse(Source("before.nas", text)), parse(Source("after.nas", once))
    assert after == before, "the tree is the same"
    assert formatted(once) == once, "a second time changes nothing"
    assert sorted(c.text for c in after.comments) == sorted(c.text for c in before.comments), "every comment is kept"
    assert not any(line != line.rstrip() for line in once.split("\n")) and once.endswith("\n")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_laws_hold_for_shipped_specs(path: Path) -> None:
    obeys_the_laws(path.read_text("utf-8"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_lines_of_shipped_specs_fit(path: Path) -> None:
    code = [line.split("  #")[0] for line in formatted(path.read_text("utf-8")).split("\n")]
    assert [line for line in code if len(line) > WIDTH and not line.lstrip().startswith("#")] == []


# Pieces that are put into shipped texts, most of them where they make sense somewhere.
PIECES = [
    " # behind\n",
    "\n# own\n",
    "\n",
    "\n\n\n",
    " ",
    "(",
    ")",
    "[",
    "]",
    " -> ",
    " if x ",
    " else y ",
    "not ",
    "-",
    "?",
    ", ",
    "fresh ",
    " as k",
    " pick one of ",
    " + 1",
    " * (a + b)",
    " ^ 2",
    " via f never none",
    "x",
    "one",
    "stage",
    ", *",
    " .. ",
    "[\n# in\n",
    "(a -> b)",
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(DECLARATIONS), st.lists(st.tuples(st.integers(0), st.sampled_from(PIECES)), max_size=3))
def test_laws_hold_for_changed_declarations(text: str, changes: list[tuple[int, str]]) -> None:
    for place, piece in changes:
        # A place between two words.
        gaps = [index for index, char in enumerate(text) if char in " \n,()[]"]
        at = gaps[place % len(gaps)]
        text = text[:at] + piece + text[at:]
    try:
        parse(Source("changed.nas", text))
    except NasError:
        assume(False)
    obeys_the_laws(text)


LEAVES = st.one_of(
    st.sampled_from(["a", "one", "stage", "where"]).map(n.Name),
    st.integers(0, 99).map(lambda value: n.Number(value, str(value))),
    st.sampled_from(
        [n.Absent(), n.Boolean(True), n.String("text"), n.Quantity(4, "M", "4M"), n.Quantity(2, "epoch", "2 epochs")]
    ),
)
ATTRIBUTES = st.builds(
    n.Attributes,
    st.sampled_from([None, "softmax"]),
    st.sampled_from([None, "gain"]),
    st.sampled_from([None, n.Name("t"), n.Index(n.Name("t"), (n.Name("i"),))]),
    st.sampled_from([None, "none"]),
    st.sampled_from([None, "k"]),
)


def composed(inner: st.SearchStrategy[n.Expr]) -> st.SearchStrategy[n.Expr]:
    maybe = st.none() | inner
    binary = ["+", "-", "*", "/", "//", "%", "^", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
    argument = st.builds(n.Argument, st.sampled_from([None, "name"]), inner)
    generator = st.builds(n.Generator, st.just("i"), inner)
    return st.one_of(
        st.builds(n.Binary, st.sampled_from(binary), inner, inner),
        st.builds(n.Unary, st.sampled_from(["-", "not"]), inner),
        st.builds(n.Range, inner, inner, st.booleans()),
        st.builds(n.Range, inner, st.none(), st.just(True)),
        st.builds(n.Conditional, inner, inner, maybe),
        st.builds(n.List, st.lists(inner, max_size=3).map(tuple)),
        st.builds(n.Comprehension, inner, st.lists(generator, min_size=1, max_size=2).map(tuple), maybe),
        st.builds(n.Call, inner, st.lists(argument, max_size=3).map(tuple), st.none()),
        st.builds(n.Call, inner, st.lists(argument, min_size=2, max_size=3).map(tuple), st.integers(0, 1)),
        st.builds(n.Index, inner, st.lists(inner | st.just(n.Star()), min_size=1, max_size=2).map(tuple)),
        st.builds(n.Member, inner, st.just("part")),
        st.builds(n.Maybe, inner),
        st.builds(n.Fresh, inner),
        st.builds(n.Pipe, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(n.Pick, st.sampled_from(["one", "some"]) | inner, inner, ATTRIBUTES),
        st.builds(n.Via, inner, inner, ATTRIBUTES),
    )


EXPRESSIONS = st.recursive(LEAVES, composed, max_leaves=8)


@settings(max_examples=500, deadline=None)
@given(EXPRESSIONS)
def test_any_expression_is_read_back(expr: n.Expr) -> None:
    assert parse_expression(Source("expression", format_expression(expr))) == expr


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS)
def test_any_expression_is_read_back_from_the_lines_of_an_op(first: n.Expr, second: n.Expr) -> None:
    long = n.List(tuple(n.Name("a_rather_long_name_that_fills_lines") for _ in range(3)))
    body = (n.Assign(n.Name("y"), first), n.Value(n.Binary("+", second, long)), n.Where(second), n.Value(second))
    op = n.OpDecl("op", "f", (), (), body)
    text = f"nas 1\n{format_declaration(op)}\n"
    assert parse(Source("op.nas", text)).declarations == (op,)
    obeys_the_laws(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("((a))+(b*c)", "a + b * c"),
        ("(a+b)*c", "(a + b) * c"),
        ("a-(b-c)", "a - (b - c)"),
        ("(2^a)^b", "(2 ^ a) ^ b"),
        ("-(a^2)", "-a ^ 2"),
        ("(-a)^2", "(-a) ^ 2"),
        ("not(a and b)", "not (a and b)"),
        ("(x->f)+(y)->g", "(x -> f) + y -> g"),
        ("x->(f if a else g)", "x -> (f if a else g)"),
        ("f( a ,b ;c,d=1 )", "f(a, b; c, d = 1)"),
        ("f(;c)", "f(; c)"),
        ("s[2..]", "s[2 ..]"),
        ("edge[b,*,*]", "edge[b, *, *]"),
        ("4 M", "4M"),
        ("20ms", "20 ms"),
        ("1 epochs", "1 epoch"),
        ("80epoch", "80 epochs"),
        ("0.10", "0.10"),
        ("1E-3", "1E-3"),
        ("pick(one)of a", "pick (one) of a"),
        ("a via b as k never none tied t[i]", "a via b tied t[i] never none as k"),
        ("[a if b,c for]"[:8] + "]", "[a if b]"),
    ],
)
def test_one_spelling(text: str, canonical: str) -> None:
    assert format_expression(parse_expression(Source("test.nas", text))) == canonical


MESSY = """# head
nas   1 # the version


import   std.layers
# doc of f
op f( x;c , k=3 )=conv( c,k )->relu   # behind f



# about g
op g(x; c) { # behind the brace

    y=x->f(c)
    # before the pipe
    y = y -> f(c, k = 3) # first
      # second
      -> f(c, k = 5)     # third
    for i in 0..<3 {
      y=y->f(c) }
    for i in 0..<3 if i!=1 { y = y -> f(c) # not on one line
    }

    z = sum([ # into the list
      y, # one
      # two
      y -> f(c)
    ])
    (stage)[0] = y
    z
    # last
}
task t { data = "a"
  image = "b" }
ops normal(c) = identity | none: zero   # nothing
  | a_long_label: conv(c, 3) -> relu -> conv(c, 3) -> relu -> conv(c, 3) -> relu -> conv(c, 3)
layer relu() {
 shape [ch, *s] -> [ch, *s]
}
layer norm(c) { shape [ch,*s] -> [ch,*s]
  weight w [ch] if c   # scale
  macs 2*prod(out) }
# the end
"""

CANONICAL = """# head
nas 1  # the version

import std.layers
# doc of f
op f(x; c, k = 3) = conv(c, k) -> relu  # behind f

# about g
op g(x; c) {  # behind the brace
  y = x -> f(c)
  # before the pipe
  y = y
    -> f(c, k = 3)  # first
    # second
    -> f(c, k = 5)  # third
  for i in 0 ..< 3 { y = y -> f(c) }
  for i in 0 ..< 3 if i != 1 {
    y = y -> f(c)  # not on one line
  }

  z = sum([
    # into the list
    y,  # one
    # two
    y -> f(c)
  ])
  (stage)[0] = y
  z
  # last
}
task t {
  data  = "a"
  image = "b"
}
ops normal(c) = identity
  | none: zero  # nothing
  | a_long_label: conv(c, 3) -> relu -> conv(c, 3) -> relu -> conv(c, 3) -> relu -> conv(c, 3)
layer relu() { shape [ch, *s] -> [ch, *s] }
layer norm(c) {
  shape   [ch, *s] -> [ch, *s]
  weight  w [ch] if c  # scale
  macs    2 * prod(out)
}
# the end
"""


def test_a_messy_text_becomes_canonical() -> None:
    assert formatted(MESSY) == CANONICAL
    obeys_the_laws(MESSY)


def test_long_lines_break_in_brackets_and_before_pipes() -> None:
    long = "nas 1\nop f(x; c) {\n  y = x" + " -> conv(c, 3, stride = 2, padding = 1)" * 3 + "\n"
    long += "  z = [" + ", ".join(["a_long_name + another_long_name"] * 4) + "]\n"
    long += (
        "  w = reduce(y, z; c) if some_condition_about_the_input else normal(y, z; c) if another_condition else x\n}\n"
    )
    assert formatted(long) == (
        "nas 1\nop f(x; c) {\n"
        "  y = x -> conv(c, 3, stride = 2, padding = 1) -> conv(c, 3, stride = 2, padding = 1)\n"
        "    -> conv(c, 3, stride = 2, padding = 1)\n"
        "  z = [\n    a_long_name + another_long_name, a_long_name + another_long_name,\n"
        "    a_long_name + another_long_name, a_long_name + another_long_name\n  ]\n"
        "  w = (\n    reduce(y, z; c)\n    if some_condition_about_the_input\n"
        "    else normal(y, z; c) if another_condition else x\n  )\n}\n"
    )


def test_a_module_made_by_a_program_is_set_with_blank_lines() -> None:
    text = "nas 1\nimport std.layers\na = 1\nop f(c) = relu\nop g(c) {\n  relu\n}\ngenotype h : s {\n  w = [8, 8]\n}\n"
    made = parse(Source("test.nas", text))
    stripped = n.Module(
        1, tuple(n.Import(each.path) for each in made.imports), tuple(map(without_spans, made.declarations))
    )
    assert format_module(stripped, Source("<made>", "")) == (
        "nas 1\nimport std.layers\n\na = 1\n\nop f(c) = relu\n\nop g(c) {\n  relu\n}\n\n"
        "genotype h : s {\n  w = [8, 8]\n}\n"
    )


def without_spans(node: object) -> object:
    if isinstance(node, tuple):
        return tuple(without_spans(each) for each in node)
    if not isinstance(node, n.Node):
        return node
    names = [name for name in node.__dataclass_fields__ if name != "span"]
    return type(node)(**{name: without_spans(getattr(node, name)) for name in names})
