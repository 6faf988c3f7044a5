"""The reader of literals: what it accepts, what it refuses and where, and that it runs nothing."""

from __future__ import annotations

import ast
import json
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nascompile.diagnostics import NasError
from nascompile.importers.literals import LONGEST_TEXT, read_document
from nascompile.importers.values import Mapping, Record, Scalar, Sequence, Value
from nascompile.source import Source


def read(text: str) -> Value:
    (entry,) = read_document(Source("original.py", text)).entries
    return entry.value


def plain(value: Value) -> Any:
    """The value as Python has it; tuples become lists."""
    if isinstance(value, Scalar):
        return value.value
    if isinstance(value, Sequence):
        return [plain(item) for item in value.items]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items.items()}
    return (value.name, [plain(item) for item in value.positional], plain(value.named))


def refusals(text: str) -> list[tuple[str, int, int, str]]:
    """Code, line, column and marked text of every diagnostic."""
    with pytest.raises(NasError) as caught:
        read_document(Source("original.py", text))
    found = []
    for d in caught.value.diagnostics:
        span = None if d.primary is None else d.primary.span
        found.append((d.code, 0, 0, "") if span is None else (d.code, span.line, span.column, span.text))
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, -2.5, +3, 'a', None, True, (4,)]", [1, -2.5, 3, "a", None, True, [4]]),
        ('{"a": [true, false, null], "b": 1e-3}', {"a": [True, False, None], "b": 1e-3}),
        ("range(2, 6)", [2, 3, 4, 5]),
        ("list(range(6, 0, -2))", [6, 4, 2]),
        (
            "Genotype(normal=[('a', 0)], normal_concat=range(2))",
            ("Genotype", [], {"normal": [["a", 0]], "normal_concat": [0, 1]}),
        ),
        ("dict(a=1)", {"a": 1}),
        ("array([[1., 0.]])", [[1.0, 0.0]]),
        ("{'n': np.array([1], dtype=int64)}", {"n": [1]}),
        ('"\\ud83d\\ude00 \\ud83d"', "\U0001f600 \ufffd"),
        ("{'w': np.float64(0.5)}", {"w": 0.5}),
        ("  \n  [1,\n 2]\n", [1, 2]),
        ("'joined' ' strings'", "joined strings"),
    ],
)  # fmt: skip
def test_what_is_read(text: str, value: Any) -> None:
    assert plain(read(text)) == value


DATA = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(string.ascii_letters), inner),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(DATA)
def test_json_and_repr_read_back(data: Any) -> None:
    assert plain(read(json.dumps(data))) == data
    if "\\" not in repr(data):
        assert plain(read(repr(data))) == data


@settings(max_examples=150, deadline=None)
@given(DATA, st.text("\n é#", max_size=3))
def test_every_value_is_where_its_span_says(data: Any, before: str) -> None:
    text = f"# {before.replace(chr(10), '')}\nx = {data!r}"
    (entry,) = read_document(Source("original.py", text)).entries

    def check(value: Value) -> None:
        assert ast.literal_eval(value.span.text) == ast.literal_eval(value.span.text)
        if isinstance(value, Scalar):
            assert ast.literal_eval(value.span.text) == value.value
        for item in value.items if isinstance(value, Sequence) else ():
            check(item)
        for item in value.items.values() if isinstance(value, Mapping) else ():
            check(item)

    check(entry.value)


MALICIOUS = [
    "__import__('os').system('touch owned')",
    "eval('1')",
    "exec(\"import os; os.mkdir('owned')\")",
    "open('owned', 'w')",
    "getattr(Genotype, '__class__')",
    "[x for x in (1, 2)]",
    "(lambda: 1)()",
    "f'{open(chr(97))}'",
    "Genotype.__subclasses__()",
    "os.environ",
    "1 if 2 else 3",
    "9 ** 9 ** 9",
    "'a' * 10",
    "b'bytes'",
    "x[0]",
    "range(a)",
    "(y := 1)",
    "...",
]


@pytest.mark.parametrize("text", MALICIOUS)
@pytest.mark.parametrize("frame", ["{}", "A = {}", "A = Genotype(normal=[('conv', {})])", "{{'k': {}}}"])
def test_code_is_refused_where_it_stands(text: str, frame: str, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    whole = "# é\n" + frame.format(text)
    assert ("not-a-literal", 2) in [(code, line) for code, line, _, _ in refusals(whole)]
    assert list(tmp_path.iterdir()) == []


def test_all_code_of_a_text_is_refused_at_once() -> None:
    text = "A = é('x')\nfor i in (1, 2):\n    B = 1\nC = [1, f(2), {'k': g.h}]\n"
    assert refusals(text) == [
        ("not-a-literal", 1, 5, "é('x')"),
        ("not-a-literal", 2, 1, "for i in (1, 2):\n    B = 1"),
        ("not-a-literal", 4, 9, "f(2)"),
        ("not-a-literal", 4, 21, "g.h"),
    ]


def test_imports_functions_and_classes_are_passed_over_and_told() -> None:
    text = "import os\nfrom a import b\nclass C:\n  x = os.system('touch owned')\ndef f():\n  pass\nA = [1]\n"
    document = read_document(Source("original.py", text))
    assert document.unread == ("import in line 1", "import in line 2", "class in line 3", "function in line 5")
    assert [e.name for e in document.entries] == ["A"]


def test_records_and_names() -> None:
    text = "G = namedtuple('G', 'a b')\nH = collections.namedtuple('H', ['c'])\nX = Y = G(1, 2)\nZ = X\n"
    document = read_document(Source("original.py", text))
    assert document.fields == {"G": ("a", "b"), "H": ("c",)}
    (entry,) = document.entries
    assert (entry.name, entry.others) == ("X", ("Y", "Z"))
    assert isinstance(entry.value, Record)
    assert refusals("DARTS_V2 = [1]\nDARTS = DARTS_V1\n") == [("not-a-literal", 2, 9, "DARTS_V1")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("A = [1, 2", "literal-syntax"),
        ("A = = 1", "literal-syntax"),
        ("[" * 5000, "literal-syntax"),
        ("-" * 200_000 + "1", "literal-syntax"),
        ("\0", "literal-syntax"),
        ("9" * 10_000, "literal-syntax"),
        ("x" * (LONGEST_TEXT + 1), "literal-size"),
        ("range(10 ** 9)", "not-a-literal"),
        ("range(1000000000)", "literal-size"),
        (f"[{'range(10000),' * 30}]", "literal-size"),
        (f"[{'1,' * 200_001}]", "literal-size"),
    ],
)
def test_limits(text: str, code: str) -> None:
    assert {found[0] for found in refusals(text)} == {code}
