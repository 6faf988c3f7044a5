"""What is wrong with an imported genotype is shown where it stands in the imported text, with a way out."""

from __future__ import annotations

import pytest
from notations import imported

from nascompile.diagnostics import NasError

CELL = "[('sep_conv_3x3', 0), ('sep_conv_3x3', 1)] "
NODES = "[('conv', 0), ('up_conv', 1), ('conv', 0), ('up_conv', 1)]"
DOWN = "[('down_conv', 0), ('down_conv', 1), ('down_conv', 0), ('down_conv', 1)]"


def mistakes(text: str, spec: str) -> list[tuple[str, int, str, str]]:
    """Code, line, marked text and hint of every diagnostic, in text order."""
    with pytest.raises(NasError) as caught:
        imported(text, spec)
    found = []
    for d in sorted(caught.value.diagnostics, key=lambda d: d.sort_key()):
        assert d.primary is not None and d.primary.span.source.name == "original.py"
        found.append((d.code, d.primary.span.line, d.primary.span.text, d.hint or ""))
    return found


def test_every_mistake_of_every_genotype() -> None:
    text = f"""\
A = Genotype(down={DOWN}, down_concat=range(2, 4), up={NODES}, up_concat=range(2, 4))
B = Genotype(down={DOWN.replace("'down_conv', 0", "'down_konv', 0", 1)}, up={NODES.replace("1)]", "7)]")})
C = Genotype(down={DOWN}, up={NODES}, up_concat=[3])
D = Genotype(dwon={DOWN}, up={NODES})
E = Genotype(up={NODES})
F = Genotype(down={DOWN}, up={NODES.replace("('conv', 0)", "'conv'", 1)})
G = Genotype(down={DOWN}, up=[('conv', 0), ('up_conv', 1), ('conv', 0)])
H = Genotype(down={DOWN}, up={NODES[:-1]}, ('conv', 0), ('up_conv', 1)])
"""
    assert mistakes(text, "nas_unet") == [
        ("unknown-operator", 2, "'down_konv'", "did you mean `down_conv`?"),
        ("genotype-fit", 2, "7", ""),
        ("genotype-fit", 3, "[3]", ""),
        ("unknown-cell", 4, "dwon", "its cells are down_sc, up_sc"),
        ("genotype-fit", 5, "Genotype", ""),
        ("genotype-form", 6, "'conv'", "write `('sep_conv_3x3', 0)`"),
        ("genotype-form", 7, "[", ""),
        ("genotype-fit", 8, "[", ""),
    ]


def test_what_the_space_does_not_allow_is_shown_at_its_node() -> None:
    """Two edges from one input, and an operator that only a supernet has."""
    doubled = NODES.replace("('up_conv', 1)", "('conv', 0)", 1)
    assert mistakes(f"Genotype(down={DOWN}, up={doubled})", "nas_unet") == [
        ("duplicate-candidate", 1, "('conv', 0), ('conv', 0)", "")
    ]
    never = NODES.replace("'conv', 0", "'none', 0", 1)
    ((code, _, marked, hint),) = mistakes(f"Genotype(down={DOWN}, up={never})", "nas_unet")
    assert (code, marked) == ("unknown-operator", "'none'") and "supernet" in hint


def test_fields_without_names() -> None:
    ((code, _, marked, hint),) = mistakes(f"Genotype({DOWN}, range(2, 4), {NODES}, range(2, 4))", "nas_unet")
    assert (code, marked) == ("genotype-form", "Genotype") and "namedtuple" in hint


def test_grid() -> None:
    rows = "'code_a': [[1, 0, 1, 1],\n [1, 1, 0, {}]],\n'code_c': [[1, 0, 2, {}], [0, 3, 0, 1]]"
    assert mistakes("{" + rows.format(2, 5) + "}", "dints") == [
        ("genotype-form", 2, "2", ""),
        ("unknown-operator", 3, "5", ""),
    ]
    assert mistakes("{" + rows.format(1, "1, 1") + "}", "dints") == [("genotype-fit", 3, "[", "")]
    assert mistakes("{" + rows.format(1, "'a'") + "}", "dints") == [("genotype-form", 3, "[1, 0, 2, 'a']", "")]
    ((code, line, _, hint),) = mistakes("{" + rows.format(1, 1) + ",\n'node_a': [[1, 1], [1, 0], [1, 1]]}", "dints")
    assert (code, line) == ("genotype-form", 4) and "leave it out" in hint
    # The second block starts at a node that the first does not reach.
    assert [m[0] for m in mistakes("{'code_a': [[1, 0, 0, 0], [0, 1, 0, 0]], 'code_c': [[0] , [0]]}", "dints")] == [
        "genotype-fit", "genotype-fit",
    ]  # fmt: skip
    cut = "{'code_a': [[1, 0, 0, 0], [0, 1, 0, 0]], 'code_c': [[0, 0, 0, 0], [0, 0, 0, 0]]}"
    assert [m[0] for m in mistakes(cut, "dints")] == ["violated-constraint"]


def test_stages() -> None:
    assert [m[0] for m in mistakes("[[16, 8], [16], [16]]", "nas_lung")] == ["violated-constraint"]
    text = "{'stem': [4, 4], 'config': [[4], [4], [4]], 'variant': 'cban'}"
    assert mistakes(text, "nas_lung") == [("genotype-form", 1, "'cban'", "did you mean `cbam`?")]
    assert mistakes("[[4], [0], [4]]", "nas_lung") == [("not-a-candidate", 1, "0", "")]
    assert mistakes("[[4], [8], [8]]", "darts")[0][0] == "genotype-fit"


def test_groups() -> None:
    config = "{'out_channel0': 12, 'M': 1, 'R1': 3, 'widenfact1': 0.66, 'B1': 3}"
    assert mistakes(config.replace("'R1'", "'R_1'"), "analog_nas") == [
        ("genotype-form", 1, "{", "did you mean `B1`?"),
    ]
    assert mistakes(config.replace("0.66", "0.96"), "analog_nas") == [("not-a-candidate", 1, "0.96", "")]
    assert mistakes(config.replace("'B1': 3", "'B1': 'x'"), "analog_nas") == [("genotype-form", 1, "'x'", "")]
    assert {m[0] for m in mistakes(config, "nas_lung")} == {"genotype-fit"}


def test_a_format_that_is_asked_for() -> None:
    with pytest.raises(NasError, match="nothing-to-import"):
        imported("[[4], [4], [4]]", "nas_lung", format="dints")
    with pytest.raises(NasError, match="did you mean `dints`"):
        imported("[[4], [4], [4]]", "nas_lung", format="dint")
    assert len(imported("[[4], [4], [4]]", "nas_lung", format="nas-lung").genotypes) == 1
