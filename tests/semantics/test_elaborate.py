"""The elaborator: words, measures, extern layers, depths that decisions give, and what it must not import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from nascompile.diagnostics import NasError
from nascompile.ir.program import LayerNode, Program
from nascompile.ir.symbols import evaluate
from nascompile.passes.flatten import flatten
from nascompile.profile.cost import cost_of
from nascompile.semantics import extern
from nascompile.semantics.context import Context
from nascompile.semantics.expressions import evaluate as evaluate_expression
from nascompile.semantics.modules import load
from nascompile.semantics.names import check_library
from nascompile.semantics.statements import run_body
from nascompile.source import Source, Span

Elaborate = Callable[..., Program]


def layers(program: Program) -> list[LayerNode]:
    return [node for node in flatten(program.graph).nodes if isinstance(node, LayerNode)]


@pytest.mark.parametrize(
    ("call", "is_fixed", "mode"),
    [
        ("rise", False, "nearest"),
        ("rise(mode = linear)", False, "linear"),
        ("rise(linear if fixed else nearest)", False, "nearest"),
        ("rise(linear if fixed else nearest)", True, "linear"),
    ],
)
def test_words_have_defaults_and_conditions(elaborated: Elaborate, call: str, is_fixed: bool, mode: str) -> None:
    text = f"op rise(mode: nearest | linear = nearest) = interpolate(2, mode)\nspace net(x: image) {{ x -> {call} }}"
    (node,) = layers(elaborated(text, is_fixed=is_fixed))
    assert node.attrs["mode"] == mode


def test_arguments_add_up_over_several_calls(elaborated: Elaborate) -> None:
    text = "op f(x; norm) = x -> conv(8, 3) -> norm(affine = false)\nspace net(x: image) { x -> f(group_norm(4)) }"
    assert dict(layers(elaborated(text))[1].attrs) == {"groups": 4, "affine": False}


def test_a_measure_stands_with_the_layer_that_does_the_work(elaborated: Elaborate) -> None:
    text = """
op heavy(x; c) {
  measure ram = 2 * c + channels(x)
  x -> conv(c, 1) -> relu
}
space net(x: image) { x -> heavy(4) -> heavy(8) }"""
    found = [dict(node.measures) for node in layers(elaborated(text)) if node.measures]
    assert found == [{"ram": 9}, {"ram": 20}]


def test_a_measure_is_a_number(elaborated: Elaborate) -> None:
    with pytest.raises(NasError, match="a measure is a number"):
        elaborated("op f(x;) {\n measure ram = x\n x -> relu\n}\nspace net(x: image) { x -> f }")


EXTERN = """nas 1
layer scan(width) extern "torch_scan" {
  shape [ch, *s] -> [ch, *s]
  weight w [ch, width]
  macs ch * width * prod(s)
}
space net(x: image) { x -> scan(3) }
"""


def test_an_extern_layer_is_priced_from_its_declaration(elaborated: Elaborate) -> None:
    text = EXTERN.replace("nas 1\n", "")
    program = elaborated(text, (4, 5, 5))
    assert (cost_of(program).registered, cost_of(program).macs) == (12, 300)
    assert layers(program)[0].extern == "torch_scan"


def test_an_installed_extern_layer_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    library = load(Source("test.nas", EXTERN))
    (warning,) = check_library(library)
    assert (warning.code, warning.severity) == ("missing-extern", "warning")
    entry = EntryPoint("torch_scan", "torch_scan.layers:Scan", extern.GROUP)
    monkeypatch.setattr(extern, "_registered", lambda: EntryPoints([entry]).select(group=extern.GROUP))
    assert check_library(library) == []
    assert extern.extern_entry("torch_scan.layers:Scan") == entry


def test_a_depth_that_a_decision_gives_guards_its_blocks(elaborated: Elaborate) -> None:
    text = "space net(x: image) {\n y = x\n repeat n in 1 .. 3 as i { y = y -> conv(1, 3) }\n y\n}"
    guards = [node.guard for node in layers(elaborated(text))]
    assert [[bool(evaluate(guard, {"n": n})) for guard in guards] for n in (1, 2, 3)] == [
        [True, False, False], [True, True, False], [True, True, True],
    ]  # fmt: skip
    assert [len(layers(elaborated(text, binding={"n": n}))) for n in (1, 2, 3)] == [1, 2, 3]


def test_a_question_mark_covers_every_index_before_it(elaborated: Elaborate) -> None:
    text = "space net(x: image) {\n s[0] = [x -> relu]\n sum([x, s[0][0]?, s[0][7]?, s[5][0]?])\n}"
    assert [node.layer for node in layers(elaborated(text))] == ["relu", "add"]
    assert len(layers(elaborated(text))[1].inputs) == 2


def test_a_list_may_be_indexed_by_a_decision(elaborated: Elaborate) -> None:
    text = "space net(x: image; w) {\n k = pick one of 0 .. 2\n x -> conv(w[k], 3)\n}"
    node = layers(elaborated(text, w=(4, 8, 16)))[0]
    assert [evaluate(node.attrs["c"], {"k": k}) for k in range(3)] == [4, 8, 16]
    with pytest.raises(NasError, match="is not defined here"):
        elaborated(text, w=(4, 8))


def test_sizes_that_every_genotype_gives_are_numbers(elaborated: Elaborate) -> None:
    text = "space net(x: image) {\n k = pick one of [3, 5, 7]\n x -> conv(4, k) -> conv(4, k, stride = 2)\n}"
    program = elaborated(text)
    assert [str(program.graph.types[o]) for node in layers(program) for o in node.outputs] == [
        "[4, 16, 16]",
        "[4, 8, 8]",
    ]


def test_code_of_the_library_is_blamed_on_the_call() -> None:
    """Nobody can change std: the place is the user's, the library's line is a secondary label."""
    user, std = Source("mine.nas", "y -> block(3)"), Source("std/blocks.nas", "conv(c, 3, groups = 2)")
    library = load(Source("test.nas", "nas 1\n"))
    context = Context(library, evaluate_expression, run_body, None, False, 2)
    context.calls.append(Span(user, 5, 13))
    failure = context.fail("requirement", "no", Span(std, 0, 22))
    (diagnostic,) = failure.diagnostics
    assert diagnostic.primary is not None and diagnostic.primary.span.text == "block(3)"
    assert [label.span.source.name for label in diagnostic.secondary] == ["std/blocks.nas"]


def test_elaboration_never_imports_torch(root: Path) -> None:
    code = """
import sys
from nascompile.resources import resource
from nascompile.semantics.elaborate import Request, elaborate
from nascompile.semantics.modules import load
from nascompile.semantics.names import check_library
from nascompile.semantics.statements import run_body
from nascompile.source import Source, Span
path = resource("specs/nas_unet.nas")
library = load(Source(path.name, path.read_text(encoding="utf-8")), path.parent)
check_library(library)
elaborate(library, Request("nas_unet", {}, (1, 64, 64)))
print(sorted({"torch", "numpy", "monai", "lark"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", cwd=root, check=True
    )
    assert done.stdout.strip() == "[]"
