"""Messages for texts that do not parse: a table of mistakes, and what could stand there where the table has no row.

A row gives a message, a hint and small wrong texts. The machine reads those texts once, when the first error is
reported; a text of the user that gets stuck in the same state at the same kind of token gets the same message (the
idea is Lark's `match_examples`).
"""

from __future__ import annotations

from functools import cache

from nascompile.diagnostics import Diagnostic, Label
from nascompile.source import Source, Span
from nascompile.syntax import tables
from nascompile.syntax.lexer import Token, lex
from nascompile.syntax.machine import accepts, run

# (message, hint, wrong texts). `{found}` is the token that cannot stand there, in words.
MISTAKES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "an op needs a body",
        "write `op f(c) = conv(c, 3) -> relu`, or `op f(x; c) { ... }`",
        ("op f(c)\n", "op f(c)", "op f(c) relu\n", "op f(c) -> relu", "op f(c): relu"),
    ),
    (
        "a cell or space needs a body",
        "write `{`, its statements and `}`; the last statement is the result",
        ("cell f(a)\n", "space f(x)\n", "cell f(a)", "space f(x)", "space f(x) = x", "cell f(a) = a", "space f(x) -> x"),
    ),
    (
        "the parameters are missing",
        "write them in parentheses after the name; `()` if there are none",
        ("op f = relu", "op f {", "space f {", "cell f {", "layer f {", "space f\n", "cell f\n", "op f\n", "layer f\n"),
    ),
    (
        "a name is missing after `{before}`",
        "names are made of letters, digits and `_`, and start with a letter; a few words like `if` and `in` are taken",
        (
            "op (c) = relu", "op 3", "op if", "cell (a)", "cell {", "space (x)", "space {", "ops (c) = a", "ops = a", "task {",
            "task = a", "search : f", "genotype : f", "genotype {", "layer (c)", "op f() {\nmodule = 3 4", "op f() {\nmodule if",
            "op f() {\nfor 3 in", "op f() {\nfor [a, b] in c", "op f() {\nstage {", "op f() {\nx = a.3", "op f() {\nx = a.if",
        ),
    ),
    (
        "a genotype names its space",
        "write `genotype NAME : space(...) { ... }`",
        ("genotype g {", "genotype g\n", "genotype g =", "narrow g {", "narrow g =", "genotype g(c)"),
    ),
    (
        "a search names its space and its task",
        "write `search NAME : space(...) on task { ... }`",
        ("search s {", "search s\n", "search s : f {", "search s : f\n", "search s : f = ", "search s = f", "search s on t"),
    ),
    (
        "a task is a block of fields, or an expression after `=`",
        "write `task NAME { data = ... }`",
        ("task t : f", "task t\n", "task t(", "task t"),
    ),
    (
        "candidates are missing",
        "write `ops f(c) = label: op | label: op if condition`",
        ("ops f(c) {", "ops f(c)\n", "ops f(c): a", "ops f\n", "ops f {", "ops f(c)"),
    ),
    (
        "an import is a name with dots",
        "write `import std.layers`",
        ('import "std.layers"', "import std/layers", "import .std", "import std.", "import\n", "import std layers",
         "import std as s", "import std, b", "import std import b"),
    ),
    (
        "a value is missing",
        "a statement ends with its line; it goes on inside ( ) and [ ], and next to `->`",
        (
            "op f() = \n", "op f() {\ny = \n", "op f() {\ny = }", "op f() {\ny = a +\n", "op f() {\ny = a *\n",
            "op f() {\ny = a ==\n", "op f() {\ny = a and\n", "op f() {\ny = a or\n", "op f() {\ny = not\n",
            "op f() {\ny = a if\n", "op f() {\ny = a if b else\n", "op f() {\ny = a if b else }", "op f() {\ny = -\n",
            "op f() {\ny = a in\n", "op f() {\ny = 2 ^\n", "op f() {\ny = a -> }", "op f() {\ny = fresh\n",
            "op f() {\ny = a via\n", "op f() {\nunused\n", "op f() {\nwhere\n", "op f() {\nrequire\n", "op f() {\noutputs\n",
            "op f() {\nmaximize\n", "op f() {\nminimize\n", "op f() {\noutputs a,\n", "op f() {\nmaximize a,\n", "a = \n",
            "op f() = (a + )", "op f() = (a * )", "op f() = f(a = )", "op f() = (a and )", "op f() = (a if )", "op f() = a[]",
            "op f() = ()", "op f() = (a -> )", "op f() = (a if b else )", "op f() = a[b, ]", "op f(c = )", "op f(c =,",
            "op f() {\ny = f(a = ,", "op f() = f(,", "op f() = [,", "op f() = f(a, ,", "op f() = [a, ,", "op f() {\ny = +", "task t = \n",
            "cell f = \n", "ops f = \n", "ops f = a: \n", "ops f = a | }", "ops f = a | | b", "ops f = | b",
            "op f() {\nmodule a = \n", "op f() {\nmeasure a = \n", "op f() {\ny = a ->", "op f() = a ->", "op f() {\ny = a..<\n",
        ),
    ),
    (
        "a pipe starts with a value",
        "write `x -> ...`; only `op f(c) = ...` without a tensor begins with an operator",
        ("op f(x; c) = -> relu", "op f(x) {\n-> relu", "op f(x) {\ny = -> relu", "op f() = (-> relu", "op f() = [-> relu"),
    ),
    (
        "`pick` needs to know how many",
        "write `pick one of X`, `pick some of X` or `pick 2 of X`",
        ("op f() = pick [a, b]", "op f() = pick\n", "op f() = pick one\n", "op f() = pick one [a]", "op f() = pick one from",
         "op f() = pick 2 [a]", "op f() = pick some [a]", "op f() = pick of", "op f() = pick one(a)", "op f() = pick some(",
         "op f() = pick some\n", "op f() = pick a\n", "op f() = pick one in", "op f() = pick 2 from"),
    ),
    (
        "a loop reads `for NAME in RANGE {{ ... }}`",
        "write `for i in 0 ..< n { ... }`; several loops are separated by commas",
        ("op f() {\nfor i = 0", "op f() {\nfor i in a\n", "op f() {\nfor i {", "op f() {\nfor i\n", "op f() {\nfor i in a:",
         "op f() {\nfor i, j in a", "op f() {\nfor i in a for", "op f() = [a for i = ", "op f() = [a for i, j in", "op f() = [a for i]",
         "op f() = [a for i in b for", "op f() {\nfor (", "op f() {\nfor i in a b"),
    ),
    (
        "a `repeat` names its counter",
        "write `repeat n in 1 .. 4 as i { ... }`, or `repeat 3 as i { ... }`",
        ("op f() {\nrepeat n in 1 .. 4 {", "op f() {\nrepeat 3 {", "op f() {\nrepeat 3\n", "op f() {\nrepeat n in 3\n",
         "op f() {\nrepeat 3 as {", "op f() {\nrepeat 3 as i\n", "op f() {\nrepeat n in 3 as i\n", "op f() {\nrepeat {",
         "op f() {\nrepeat n = 3"),
    ),
    (
        "a statement ends with its line",
        "write the next one on a new line",
        ("op f() {\na = b;", "op f() {\na;", "op f() {\na = b,", "op f() {\na,", "a = b;", "op f() = a;", "op f() {\na = b c",
         "op f() {\na b", "op f() = a b", "a = b c", "a b", "op f() {\na = b }  c", "op f() {\na }; b", "op f() {\na = 3 4",
         "op f() {\na = b 4", "op f() {\na = b [c] d", 'op f() {\na = "b" c', 'op f() {\na = b "c"', "op f() {\na = b {", "op f() = a {",
         "op f() {\na {", "op f() {\nfor i in a {\nb } c"),
    ),
    (
        "two values stand side by side",
        "separate them by a comma, or apply an operator with `->`",
        ("op f() = f(a b", "op f() = [a b", "op f() = (a b", "op f() = f(a 3", "op f() = [a 3", "op f() = (a 3", "op f() = f(3 a",
         "op f() = [3 a", "op f() = f(a = b c", 'op f() = f(a "b"', "op f() = a[b c", "op f() = [a (", "op f(a b", "op f(a = 3 b"),
    ),
    (
        "`if` stands behind a value",
        "write `y = a if condition else b`; loops filter: `for i in 0 ..< n if condition { ... }`",
        ("op f() {\nif a {", "op f() {\ny = if a", "op f() = if a", "op f() = (if", "op f() = [if", "op f() = f(if"),
    ),
    (
        "this `else` has no `if`",
        "write `a if condition else b`",
        ("op f() {\nelse", "op f() = a else b", "op f() {\na else", "op f() {\na = b else", "op f() = (a else", "op f() = [a else",
         "op f() = f(a else", "op f() {\nfor i in a { b } else"),
    ),
    (
        "`{found}` cannot follow `=`",
        "a statement has one `=`; `==` compares",
        ("op f() {\na = b = c", "a = b = c", "op f() = a = b", "op f() {\na = =", "op f() {\nwhere a = b", "op f() {\nrequire a = b",
         "op f() = (a = b", "op f() = [a = b", "op f() = a if b = c", "op f() {\nx = a if b = c", "op f() = a[b = c"),
    ),
    (
        "a value is changed by binding it again",
        "write `y = y + ...`",
        ("op f() {\ny += 1", "op f() {\ny -= 1", "op f() {\ny *= 1", "op f() {\ny /= 1"),
    ),
    ("powers are written with `^`", "write `2 ^ n`", ("op f() = a ** b", "op f() {\ny = a ** b", "op f() = (a ** b")),
    (
        "a parameter list has one `;`",
        "tensors stand before it, numbers and options behind it",
        ("op f(x; c; d)", "op f() = f(a; b; c)", "op f() = f(a;)", "op f() = f(;)", "op f() = f(a = 1; b; c)"),
    ),
    (
        "a layer has no line that starts like this",
        "its lines are `shape`, `weight`, `buffer`, `macs`, `require` and `measure`",
        ("layer f() {\nweights w", "layer f() {\nx = 3", "layer f() {\n3", "layer f() {\n(", "layer f() {\n}", "layer f() {\n[",
         "layer f() {\nfor", "layer f() {\nshape [c] -> [c]\nx"),
    ),
    ("a layer needs a body", "write `layer f(c) { shape [ch, *s] -> [c, *s] }`", ("layer f(c)\n", "layer f(c) =", "layer f(c)")),
    (
        "a shape rule reads `shape [axes] -> [axes]`",
        "write `shape [ch, *s] -> [c, *s]`; `shape many x -> f(x)` takes any number of tensors",
        ("layer f() {\nshape a", "layer f() {\nshape [c]\n", "layer f() {\nshape [c] = ", "layer f() {\nshape (c)",
         "layer f() {\nshape [c] [c]", "layer f() {\nshape [c] -> 3", "layer f() {\nshape [c] -> (", "layer f() {\nshape\n",
         "layer f() {\nshape many -> f", "layer f() {\nshape many x\n", "layer f() {\nshape [c] -> \n"),
    ),
    (
        "a weight is a name and its axes",
        "write `weight w [c, ch, *k] if bias`",
        ("layer f() {\nweight w\n", "layer f() {\nweight [c]", "layer f() {\nweight w = ", "layer f() {\nweight w c",
         "layer f() {\nweight c *", "layer f() {\nweight w(", "layer f() {\nbuffer [c]", "layer f() {\nweight w [c] b"),
    ),
    (
        "a measure is a name and its value",
        "write `measure ram = ...`",
        ("op f() {\nmeasure ram\n", "op f() {\nmeasure ram: 3", "op f() {\nmeasure 3", "op f() {\nmeasure ram 3", "op f() {\nmeasure f("),
    ),
    (
        "a shared module reads `module NAME = EXPRESSION`",
        "write `module f = conv(c, 3) -> relu`",
        ("op f() {\nmodule f\n", "op f() {\nmodule f(c)", "op f() {\nmodule f: 3", "op f() {\nmodule f {"),
    ),
    ("a stage reads `stage NAME {{ ... }}`", "write `stage first { ... }`", ("op f() {\nstage a\n", "op f() {\nstage a:",
     "op f() {\nstage 3", "op f() {\nstage a =")),
    (
        "the message of a `require` is a text",
        'write `require c % 8 == 0 else "the channels must be a multiple of 8"`',
        ("op f() {\nrequire a else b", "op f() {\nrequire a else\n", "op f() {\nrequire a,", 'op f() {\nrequire a "b"',
         "op f() {\nrequire a: "),
    ),
    (
        "an attribute of a decision is a name",
        "write `relax softmax`, `decode gain`, `never none` or `as kernel`",
        ("op f() = pick one of a as 3", "op f() = pick one of a relax (", "op f() = pick one of a decode [", "op f() = pick one of a never\n",
         'op f() = pick one of a as "k"', "op f() = a via b never\n", "op f() = pick one of a as\n"),
    ),
    (
        "a file holds declarations",
        "start with one of import, layer, op, ops, cell, space, genotype, narrow, task, search, or `NAME = value`",
        ("for i in", "}", "{", "-> a", "if a", "else", "a\n", "a -> b\n", "f(a)\n", "f(a) {", "f(a) -> b"),
    ),
    ("the first line holds the version only", "start a new line after `nas 1`", ("\rnas 1 a", "\rnas 1.0", "\rnas 1; b")),
)

# Words of other languages, by what they would be here.
_FOREIGN = {
    "return": "the last expression of a body is its result; there is no `return`",
    "def": "write `op f(x; c) { ... }`, or `f(c) = ...` for a function of numbers",
    "fn": "write `op f(x; c) { ... }`, or `f(c) = ...` for a function of numbers",
    "function": "write `op f(x; c) { ... }`, or `f(c) = ...` for a function of numbers",
    "class": "write `op f(x; c) { ... }` or `cell f(a, b; c) { ... }`",
    "lambda": "write an op or a function of its own: `f(a) = ...`",
    "while": "write `for i in 0 ..< n { ... }` or `repeat n in 1 .. 4 as i { ... }`",
    "elif": "write `a if p else b if q else c`",
    "let": "write `name = value`",
    "var": "write `name = value`",
    "const": "write `NAME = value`",
    "from": "write `import std.layers`",
    "None": "write `absent`",
}  # fmt: skip

_WORDS = {
    "NAME": "a name", "STRING": "a text", "_NL": "the end of the line", "$END": "the end of the text",
    "INT": "a number", "COMPARISON": "a comparison", "TIMES": "`/`",
}  # fmt: skip
_VALUE_STARTS = {"NAME", "INT", "NUMBER", "QUANTITY", "STRING", "TRUE", "FALSE", "LPAR", "LSQB", "ABSENT", "FRESH", "NOT", "MINUS",
                 "PICK"}  # fmt: skip
_OPERATORS = {"PLUS", "MINUS", "STAR", "TIMES", "POWER", "COMPARISON", "IN", "NOT", "AND", "OR", "DOTS", "DOTS_BELOW", "ARROW", "IF",
              "VIA", "QMARK", "DOT", "LPAR", "LSQB", "DECODE", "RELAX", "NEVER", "AS", "TIED"}  # fmt: skip


def unexpected(states: list[int], tokens: list[Token], position: int, source: Source) -> Diagnostic:
    """The diagnostic for the token at `position`, which none of the rules allows after `states`."""
    token = tokens[position]
    before = tokens[position - 1] if position else None
    message, hint = f"{_found(token)} cannot stand here", None
    row = _mistakes().get((states[-1], token.kind))
    foreign = _FOREIGN.get(token.text) or (before is not None and _FOREIGN.get(before.text)) or None
    if foreign:
        word = token if token.text in _FOREIGN else before
        assert word is not None
        message, hint, token = f"`{word.text}` is not a word of the language", foreign, word
    elif row is not None:
        message, hint = row
        message = message.format(found=token.text, before=before.text if before else "")
    else:
        expected = _expected(states)
        if expected:
            hint = f"expected {expected}"
    start, end = token.start, token.end
    if token.kind in ("_NL", "$END") and before is not None:
        # A line end is shown as the place just behind the last word of the line.
        start, end = before.end, before.end
    return Diagnostic("syntax-error", message, Label(Span(source, start, end)), (), hint)


def _found(token: Token) -> str:
    if token.kind in ("_NL", "$END"):
        return _WORDS[token.kind]
    return f"`{token.text}`"


def _expected(states: list[int]) -> str:
    """What could be read after `states`, in the language's own words, or "" if that would be a long list."""
    kinds = {kind for kind in tables.ACTIONS[states[-1]] if accepts(states, kind)}
    words = []
    if len(kinds & _VALUE_STARTS) > 6:
        kinds -= _VALUE_STARTS
        words.append("a value")
    elif len(kinds & _OPERATORS) > 6:
        kinds -= _OPERATORS
        words.append("an operator")
    symbols = {kind: text for text, kind in tables.LITERALS.items()}
    words += sorted({_WORDS.get(kind) or f"`{symbols.get(kind, kind)}`" for kind in kinds})
    if not words or len(words) > 6:
        return ""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


@cache
def _mistakes() -> dict[tuple[int, str], tuple[str, str]]:
    """Where the wrong texts of the table get stuck: (state, kind of token) -> (message, hint)."""
    found: dict[tuple[int, str], tuple[str, str]] = {}
    for message, hint, texts in MISTAKES:
        for text in texts:
            place = stuck_at(text)
            if place is not None:
                found.setdefault(place, (message, hint))
    return found


def stuck_at(text: str) -> tuple[int, str] | None:
    """The state and the kind of token at which a text's first error is found; `nas 1` is put before it."""
    source = Source("<sample>", text[1:] if text.startswith("\r") else f"nas 1\n{text}")
    places: list[tuple[int, str]] = []

    def note(states: list[int], tokens: list[Token], position: int, source: Source) -> Diagnostic:
        places.append((states[-1], tokens[position].kind))
        return Diagnostic("syntax-error", "", None)

    # The brackets that a sample leaves open are of no interest: what it is stuck at comes before their end.
    run("module", source, lex(source), note)
    return places[0] if places else None
