"""Mistakes and what to say about them. `syntax_errors` finds the row of a text that does not parse."""

from __future__ import annotations

from typing import NamedTuple


class Mistake(NamedTuple):
    """`samples` are small wrong texts, separated by ` ~ ` or by the ends of lines; `\\n` in them is a newline.

    In the message `{found}` is the token that cannot stand there, `{before}` the one before it.
    """

    message: str
    hint: str
    samples: str

    def texts(self) -> list[str]:
        """The wrong texts; `nas 1` and a newline belong before each, but for those that begin with `nas`."""
        parts = self.samples.strip().replace("\n", " ~ ").split(" ~ ")
        return [part.strip(" ").replace("\\n", "\n") for part in parts]


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "an op needs a body",
        "write `op f(c) = conv(c, 3) -> relu`, or `op f(x; c) { ... }`",
        r"""
        op f(c)\n ~ op f(c) ~ op f()\n ~ op f(x;)\n ~ op f(x; c)\n ~ op f(c) relu\n ~ op f(c) -> relu
        op f(c): relu
        """,
    ),
    Mistake(
        "a cell or space needs a body",
        "write `{`, its statements and `}`; the last statement is the result",
        r"""
        cell f()\n ~ cell f(a; c)\n ~ space f()\n ~ space f(a; c)\n ~ cell f(a)\n ~ space f(x)\n ~ cell f(a)
        space f(x) ~ space f(x) = x ~ cell f(a) = a ~ space f(x) -> x
        """,
    ),
    Mistake(
        "the parameters are missing",
        "write them in parentheses after the name; `()` if there are none",
        r"""
        op f = relu ~ op f { ~ space f { ~ cell f { ~ layer f { ~ space f\n ~ cell f\n ~ op f\n ~ layer f\n
        """,
    ),
    Mistake(
        "a name is missing after `{before}`",
        "names are made of letters, digits and `_`, and start with a letter; a few words like `if` and `in` are taken",
        r"""
        op (c) = relu ~ op 3 ~ op if ~ cell (a) ~ cell { ~ space (x) ~ space { ~ ops (c) = a ~ task { ~ search : f
        genotype : f ~ genotype { ~ layer (c) ~ op f() {\nmodule if ~ op f() {\nfor 3 in ~ op f() {\nfor [a, b] in c
        op f() {\nstage { ~ op f() {\nx = a.3 ~ op f() {\nx = a.if
        """,
    ),
    Mistake(
        "a genotype names its space",
        "write `genotype NAME : space(...) { ... }`",
        r"""
        genotype g { ~ genotype g\n ~ genotype g = ~ narrow g { ~ narrow g = ~ genotype g(c)
        """,
    ),
    Mistake(
        "a search names its space and its task",
        "write `search NAME : space(...) on task { ... }`",
        r"""
        search s { ~ search s\n ~ search s : f { ~ search s : f\n ~ search s : f = ~ search s = f
        search s : f on t\n ~ search s : f on t =  ~ search s : f on t ~ search s on t
        """,
    ),
    Mistake(
        "a task is a block of fields, or an expression after `=`",
        "write `task NAME { data = ... }`",
        r"""
        task t : f ~ task t\n ~ task t( ~ task t
        """,
    ),
    Mistake(
        "candidates are missing",
        "write `ops f(c) = label: op | label: op if condition`",
        r"""
        ops f(c) { ~ ops f(c)\n ~ ops f(c): a ~ ops f\n ~ ops f { ~ ops f(c)
        """,
    ),
    Mistake(
        "an import is a name with dots",
        "write `import std.layers`",
        r"""
        import "std.layers" ~ import std/layers ~ import std. ~ import\n ~ import std layers ~ import std as s
        import std, b ~ import std import b
        """,
    ),
    Mistake(
        "a value is missing",
        "a statement ends with its line; it goes on inside ( ) and [ ], and next to `->`",
        r"""
        op f() = \n ~ op f() {\ny = \n ~ op f() {\ny = } ~ op f() {\ny = a +\n ~ op f() {\ny = a *\n
        op f() {\ny = a ==\n ~ op f() {\ny = a and\n ~ op f() {\ny = a or\n ~ op f() {\ny = not\n
        op f() {\ny = a if\n ~ op f() {\ny = a if b else\n ~ op f() {\ny = a if b else } ~ op f() {\ny = -\n
        op f() {\ny = a in\n ~ op f() {\ny = 2 ^\n ~ op f() {\ny = a -> } ~ op f() {\ny = fresh\n
        op f() {\ny = a via\n ~ op f() {\nunused\n ~ op f() {\nwhere\n ~ op f() {\nrequire\n ~ op f() {\noutputs\n
        op f() {\nmaximize\n ~ op f() {\nminimize\n ~ op f() {\noutputs a,\n ~ op f() {\nmaximize a,\n ~ a = \n
        op f() = (a + ) ~ op f() = (a * ) ~ op f() = f(a = ) ~ op f() = (a and ) ~ op f() = (a if ) ~ op f() = a[]
        op f() = () ~ op f() = (a -> ) ~ op f() = (a if b else ) ~ op f() = a[b, ] ~ op f(c = ) ~ op f(c =,
        op f() {\ny = f(a = , ~ op f() = f(, ~ op f() = [, ~ op f() = f(a, , ~ op f() = [a, , ~ op f() {\ny = +
        task t = \n ~ cell f = \n ~ ops f = \n ~ ops f = a: \n ~ ops f = a | } ~ ops f = a | | b ~ ops f = | b
        op f() {\nmodule a = \n ~ op f() {\nmeasure a = \n ~ op f() {\ny = a -> ~ op f() = a ->
        op f() = a ->\nop g(c) = b ~ op f() {\ny = a..<\n
        """,
    ),
    Mistake(
        "a pipe starts with a value",
        "write `x -> ...`; only `op f(c) = ...` without a tensor begins with an operator",
        r"""
        op f(x; c) = -> relu ~ op f(x) {\n-> relu ~ op f(x) {\ny = -> relu ~ op f() = (-> relu ~ op f() = [-> relu
        """,
    ),
    Mistake(
        "`pick` needs to know how many",
        "write `pick one of X`, `pick some of X` or `pick 2 of X`",
        r"""
        op f() = pick [a, b] ~ op f() = pick\n ~ op f() = pick one\n ~ op f() = pick one [a]
        op f() = pick one out ~ op f() = pick 2 [a] ~ op f() = pick some [a] ~ op f() = pick of
        op f() = pick one(a) ~ op f() = pick some( ~ op f() = pick some\n ~ op f() = pick a\n ~ op f() = pick one in
        op f() = pick 2 out
        """,
    ),
    Mistake(
        "a loop reads `for NAME in RANGE {{ ... }}`",
        "write `for i in 0 ..< n { ... }`; several loops are separated by commas",
        r"""
        op f() {\nfor i = 0 ~ op f() {\nfor i in a\n ~ op f() {\nfor i { ~ op f() {\nfor i\n ~ op f() {\nfor i in a:
        op f() {\nfor i, j in a ~ op f() {\nfor i in a for ~ op f() = [a for i = ~ op f() = [a for i, j in
        op f() = [a for i] ~ op f() = [a for i in b for ~ op f() {\nfor ( ~ op f() {\nfor i in a b
        """,
    ),
    Mistake(
        "a `repeat` names its counter",
        "write `repeat n in 1 .. 4 as i { ... }`, or `repeat 3 as i { ... }`",
        r"""
        op f() {\nrepeat n in 1 .. 4 { ~ op f() {\nrepeat 3 { ~ op f() {\nrepeat 3\n ~ op f() {\nrepeat n in 3\n
        op f() {\nrepeat 3 as { ~ op f() {\nrepeat 3 as i\n ~ op f() {\nrepeat n in 3 as i\n ~ op f() {\nrepeat {
        op f() {\nrepeat n = 3
        """,
    ),
    Mistake(
        "a statement ends with its line",
        "write the next one on a new line",
        r"""
        op f() {\na = b; ~ op f() {\na; ~ op f() {\na = b, ~ op f() {\na, ~ a = b; ~ op f() = a; ~ op f() {\na = b c
        op f() {\na b ~ op f() = a b ~ a = b c ~ a b ~ op f() {\na = b }  c ~ op f() {\na }; b ~ op f() {\na = 3 4
        op f() {\na = b 4 ~ op f() {\na = b [c] d ~ op f() {\na = "b" c ~ op f() {\na = b "c" ~ op f() {\na = b {
        op f() = a { ~ op f() {\na { ~ op f() {\nfor i in a {\nb } c
        """,
    ),
    Mistake(
        "two values stand side by side",
        "separate them by a comma, or apply an operator with `->`",
        r"""
        op f() = f(a b ~ op f() = [a b ~ op f() = (a b ~ op f() = f(a 3 ~ op f() = [a 3 ~ op f() = (a 3
        op f() = f(3 a ~ op f() = [3 a ~ op f() = f(a = b c ~ op f() = f(a "b" ~ op f() = a[b c ~ op f(a b
        op f(a = 3 b
        """,
    ),
    Mistake(
        "`if` stands behind a value",
        "write `y = a if condition else b`; loops filter: `for i in 0 ..< n if condition { ... }`",
        r"""
        op f() {\nif a { ~ op f() {\ny = if a ~ op f() = if a ~ op f() = (if ~ op f() = [if ~ op f() = f(if
        """,
    ),
    Mistake(
        "this `else` has no `if`",
        "write `a if condition else b`",
        r"""
        op f() {\nelse ~ op f() = a else b ~ op f() {\na else ~ op f() {\na = b else ~ op f() = (a else
        op f() = [a else ~ op f() = f(a else ~ op f() {\nfor i in a { b } else
        """,
    ),
    Mistake(
        "`{found}` cannot follow `=`",
        "a statement has one `=`; `==` compares",
        r"""
        op f() {\na = b = c ~ a = b = c ~ op f() = a = b ~ op f() {\na = = ~ op f() {\nwhere a = b
        op f() {\nrequire a = b ~ op f() = (a = b ~ op f() = [a = b ~ op f() = a if b = c ~ op f() {\nx = a if b = c
        op f() = a[b = c
        """,
    ),
    Mistake(
        "a value is changed by binding it again",
        "write `y = y + ...`",
        r"""
        op f() {\ny += 1 ~ op f() {\ny -= 1 ~ op f() {\ny *= 1 ~ op f() {\ny /= 1
        """,
    ),
    Mistake(
        "powers are written with `^`",
        "write `2 ^ n`",
        r"""
        op f() = a ** b ~ op f() {\ny = a ** b ~ op f() = (a ** b
        """,
    ),
    Mistake(
        "a parameter list has one `;`",
        "tensors stand before it, numbers and options behind it",
        r"""
        op f(x; c; d) ~ op f() = f(a; b; c) ~ op f() = f(a;) ~ op f() = f(;) ~ op f() = f(a = 1; b; c)
        """,
    ),
    Mistake(
        "a layer has no line that starts like this",
        "its lines are `shape`, `weight`, `buffer`, `macs`, `require` and `measure`",
        r"""
        layer f() {\nweights w ~ layer f() {\nx = 3 ~ layer f() {\n3 ~ layer f() {\n( ~ layer f() {\n}
        layer f() {\n[ ~ layer f() {\nfor ~ layer f() {\nshape [c] -> [c]\nx
        """,
    ),
    Mistake(
        "a layer needs a body",
        "write `layer f(c) { shape [ch, *s] -> [c, *s] }`",
        r"""
        layer f(c)\n ~ layer f(c) = ~ layer f(c)
        """,
    ),
    Mistake(
        "a shape rule reads `shape [axes] -> [axes]`",
        "write `shape [ch, *s] -> [c, *s]`; `shape many x -> f(x)` takes any number of tensors",
        r"""
        layer f() {\nshape a ~ layer f() {\nshape [c]\n ~ layer f() {\nshape [c] = ~ layer f() {\nshape (c)
        layer f() {\nshape [c] [c] ~ layer f() {\nshape [c] -> 3 ~ layer f() {\nshape [c] -> (
        layer f() {\nshape\n ~ layer f() {\nshape many -> f ~ layer f() {\nshape many x\n
        layer f() {\nshape [c] -> \n
        """,
    ),
    Mistake(
        "a weight is a name and its axes",
        "write `weight w [c, ch, *k] if bias`",
        r"""
        layer f() {\nweight w\n ~ layer f() {\nweight [c] ~ layer f() {\nweight w = ~ layer f() {\nweight w c
        layer f() {\nweight c * ~ layer f() {\nweight w( ~ layer f() {\nbuffer [c] ~ layer f() {\nweight w [c] b
        """,
    ),
    Mistake(
        "a measure is a name and its value",
        "write `measure ram = ...`",
        r"""
        op f() {\nmeasure ram\n ~ op f() {\nmeasure ram: 3 ~ op f() {\nmeasure 3 ~ op f() {\nmeasure ram 3
        op f() {\nmeasure f(
        """,
    ),
    Mistake(
        "a shared module reads `module NAME = EXPRESSION`",
        "write `module f = conv(c, 3) -> relu`",
        r"""
        op f() {\nmodule f\n ~ op f() {\nmodule f(c) ~ op f() {\nmodule f: 3 ~ op f() {\nmodule f {
        """,
    ),
    Mistake(
        "a stage reads `stage NAME {{ ... }}`",
        "write `stage first { ... }`",
        r"""
        op f() {\nstage a\n ~ op f() {\nstage a: ~ op f() {\nstage 3 ~ op f() {\nstage a =
        """,
    ),
    Mistake(
        "the message of a `require` is a text",
        'write `require c % 8 == 0 else "the channels must be a multiple of 8"`',
        r"""
        op f() {\nrequire a else b ~ op f() {\nrequire a else\n ~ op f() {\nrequire a, ~ op f() {\nrequire a "b"
        op f() {\nrequire a:
        """,
    ),
    Mistake(
        "an attribute of a decision is a name",
        "write `relax softmax`, `decode gain`, `never none` or `as kernel`",
        r"""
        op f() = pick one of a as 3 ~ op f() = pick one of a relax ( ~ op f() = pick one of a decode [
        op f() = pick one of a never\n ~ op f() = pick one of a as "k" ~ op f() = a via b never\n
        op f() = pick one of a as\n
        """,
    ),
    Mistake(
        "a file holds declarations",
        "start with one of import, layer, op, ops, cell, space, genotype, narrow, task, search, or `NAME = value`",
        r"""
        for i in ~ { ~ -> a ~ if a ~ else ~ a\n ~ a -> b\n ~ f(a)\n ~ f(a) { ~ f(a) -> b
        """,
    ),
    Mistake(
        "the first line holds the version only",
        "start a new line after `nas 1`",
        r"""
        nas 1 a ~ nas 1.0 ~ nas 1; b
        """,
    ),
)

# Words of other languages, by what they would be here.
FOREIGN_WORDS = {
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
}
