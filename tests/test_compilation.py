"""The driver: phases run once, names are found in a text and in its imports, inputs come from where they should."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument
from nascompile.diagnostics import NasError
from nascompile.profile.cost import cost_of
from nascompile.resources import resource

TEXT = """\
nas 1
import std.layers
space one(x: image = [2, 8, 8]; c = 4) { x -> conv(c, 3) }
space two(x: image; c = 4) { x -> conv(pick one of [c, 2 * c] as width, 3) }
genotype wide : two(c = 3) { width = 6 }
"""


@pytest.fixture
def text() -> Compilation:
    return Compilation.from_text(TEXT, "t.nas")


def code(failure: pytest.ExceptionInfo[NasError]) -> str:
    return failure.value.diagnostics[0].code


def test_a_program_is_elaborated_once(text: Compilation) -> None:
    assert text.program(text.call("one")) is text.program(text.call("one"))
    assert text.program(text.call("one"), (1, 8, 8)) is not text.program(text.call("one"))


def test_the_input_is_that_of_the_parameter_unless_one_is_given(text: Compilation) -> None:
    assert text.program(text.call("one")).input.axes == (2, 8, 8)
    given = Compilation(text.source, text.folder, text.data, input=(5, 16))
    assert given.program(given.call("one")).input.axes == (5, 16)


def test_an_input_that_nobody_knows_is_asked_for(text: Compilation) -> None:
    with pytest.raises(NasError) as failure:
        text.program(text.call("two"))
    assert code(failure) == "missing-input"
    assert "--input 1x64x64" in (failure.value.diagnostics[0].hint or "")


def test_of_several_spaces_one_has_to_be_named(text: Compilation) -> None:
    with pytest.raises(NasError) as failure:
        text.call()
    assert code(failure) == "which-space"
    assert "one, two" in failure.value.diagnostics[0].message


def test_a_genotype_binds_its_space(text: Compilation) -> None:
    given = Compilation(text.source, text.folder, text.data, input=(1, 8, 8))
    network = given.network(given.genotype("wide"))
    assert str(network.graph.types[network.graph.outputs[0][1]]) == "[6, 8, 8]"


def test_a_fixed_network_takes_sizes_that_a_supernet_does_not() -> None:
    """NAS-Unet's pools and strided convolutions part at odd sides; a network without pools is built for any."""
    path = resource("specs/genotypes/nas_unet.nas")
    small, odd = (Compilation.from_path(path, input=size) for size in ((1, 64, 64), (1, 50, 31)))
    with pytest.raises(NasError, match="candidates-differ"):
        odd.open_space(odd.call_of(odd.genotype_declaration("NAS_UNET_V2").space))
    genotype = odd.genotype("NAS_UNET_V2")
    assert genotype == small.genotype("NAS_UNET_V2")
    built = odd.network(genotype)
    assert built.graph.types[built.graph.outputs[0][1]].axes == (2, 50, 31)
    assert cost_of(built).registered == cost_of(small.network(genotype)).registered


def test_a_size_that_no_network_takes_is_still_refused() -> None:
    path = resource("specs/genotypes/dints.nas")
    text = Compilation.from_path(path, input=(1, 50, 32, 32))
    with pytest.raises(NasError, match="every side must be a multiple of 16"):
        text.network(text.genotype("cvpr2021"))


def test_settings_change_the_arguments_of_a_space(text: Compilation) -> None:
    given = Compilation(text.source, text.folder, text.data, (from_argument("c=7"),))
    assert given.program(given.call("one")).arguments["c"] == 7


def test_genotypes_of_imported_texts_are_found(tmp_path: Path) -> None:
    (tmp_path / "t.nas").write_text(TEXT, encoding="utf-8")
    (tmp_path / "u.nas").write_text("nas 1\nimport t\n", encoding="utf-8")
    text = Compilation.from_path(tmp_path / "u.nas", input=(1, 8, 8))
    assert text.genotype("wide").values == {"width": 6}
    assert text.genotype().values == {"width": 6}  # the only one known


def test_checking_goes_on_after_a_mistake() -> None:
    bad = TEXT.replace("conv(c, 3) }", "conv(c, 3, strid = 2) }").replace("width = 6", "widht = 6")
    bad = bad.replace("two(x: image;", "two(x: image = [1, 8, 8];")
    found = Compilation.from_text(bad + "task t { dat = 3 }\n", "t.nas").check()
    assert [d.code for d in found] == [
        "unknown-argument",
        "missing-decision",
        "unknown-decision",
        "missing-field",
        "unknown-field",
    ]


def test_the_digest_follows_the_meaning(text: Compilation) -> None:
    spaced = Compilation.from_text(TEXT.replace("c = 4", "c =  4"), "other.nas")
    assert text.digest_of() == spaced.digest_of()
    assert text.digest_of() != Compilation.from_text(TEXT.replace("c = 4", "c = 5")).digest_of()


LOSES_ITS_OUTPUT = """nas 1
import std.layers
space s(x: image = [1, 8, 8]; c = 4) {
  edge[0] = x -> conv(c, 3)
  edge[1] = x -> conv(c, 1)
  kept = pick some of edge[*]
  kept[0]
}
"""


def test_a_space_that_can_lose_its_output_is_refused_with_a_genotype() -> None:
    text = Compilation.from_text(LOSES_ITS_OUTPUT)
    with pytest.raises(NasError, match="absent-output") as caught:
        text.require_outputs(text.space("s"))
    assert "kept" in str(caught.value)


def test_a_space_that_keeps_its_output_passes() -> None:
    text = Compilation.from_text(LOSES_ITS_OUTPUT.replace("  kept[0]\n", "  sum(kept)\n"))
    text.require_outputs(text.space("s"))
    assert text.space("s").size() == 3
