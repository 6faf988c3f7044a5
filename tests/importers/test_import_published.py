"""Everything that the five systems published, in the notation of its authors, becomes the shipped genotypes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from notations import imported, record, shipped

from nascompile.importers.importing import Imported
from nascompile.profile.cost import cost_of

Golden = Callable[[str], Any]
HEADER = "from collections import namedtuple\n\n"
OPERATORS = ("skip_connect", "conv_3x3x3", "conv_3x3x1", "conv_3x1x3", "conv_1x3x3")


def equals_shipped(one: Imported, text: str, name: str) -> None:
    """The values and, defaults put in, the arguments of a genotype in `specs/genotypes`."""
    ours = shipped(f"genotypes/{text}").genotype(name)
    assert one.genotype.values == ours.values
    known = shipped(f"genotypes/{text}")
    calls = [known.call_for(ours), known.call_for(one.genotype)]
    assert known.program(calls[0]).arguments == known.program(calls[1]).arguments


@pytest.mark.parametrize(
    ("data", "spec", "names", "count"),
    [
        ("nasunet_genotypes", "nas_unet", ["down", "up"], 11),
        ("wdan_genotypes", "mixsearch", ["normal_down", "normal_up", "normal_normal"], 60),
    ],
)
@pytest.mark.parametrize("notation", ["python", "positional", "json"])
def test_cells(golden: Golden, data: str, spec: str, names: list[str], count: int, notation: str) -> None:
    """A `genotypes.py` with named and with positional fields, and a JSON object."""
    published = {n: {cell: entry[cell] for cell in names} for n, entry in golden(data)["genotypes"].items()}
    assert len(published) == count
    fields = " ".join(f"{cell} {cell}_concat" for cell in names)
    text = HEADER + f"Genotype = namedtuple('Genotype', '{fields}')\n"
    for name, cells in published.items():
        text += f"{name} = {record(cells)}\n"
    if notation == "positional":
        for field in fields.split():
            text = text.replace(f"({field}=", "(").replace(f" {field}=", " ")
        assert "normal_down=" not in text and "up=" not in text
    found = imported(json.dumps(published, indent=1) if notation == "json" else text, spec)
    assert [one.original for one in found.genotypes] == list(published)
    for one in found.genotypes:
        equals_shipped(one, spec, one.original)
        if spec == "nas_unet":
            assert one.implied == {"nodes": len(published[one.original]["down"]) // 2}


def test_names_that_are_bound_twice_are_written_once(golden: Golden) -> None:
    cells = golden("nasunet_genotypes")["genotypes"]["NAS_UNET_V2"]
    text = record({"down": cells["down"], "up": cells["up"]})
    found = imported(f"NAS_UNET_V2 = best = {text}\nNASUNET = NAS_UNET_V2\n", "nas_unet")
    assert [one.name for one in found.genotypes] == ["NAS_UNET_V2"]
    assert found.aliases == {"best": "NAS_UNET_V2", "NASUNET": "NAS_UNET_V2"}


@pytest.mark.parametrize("kept", ["arch_code_a", "code_a"])
@pytest.mark.parametrize("notation", ["json", "python", "numpy"])
def test_grid(golden: Golden, kept: str, notation: str) -> None:
    published = golden("dints_published")
    matrices = {
        kept: published["arch_code_a"],
        kept.replace("_a", "_c"): published["arch_code_c"],
        "node_a": published["node_a"],
        "best_dsc": 0.7,
    }
    text = json.dumps(matrices) if notation == "json" else repr(matrices)
    if notation == "numpy":  # as `print` writes float arrays
        text = text.replace("[[", "array([[").replace("]]", ".]])").replace(", ", "., ").replace("].,", ".],")
        text = text.replace(")., ", "), ").replace(".'", "'")
    (one,) = imported(text, "dints").genotypes
    assert one.implied == {"blocks": 12, "depths": 4}
    assert one.genotype == shipped("genotypes/dints").genotype("cvpr2021")


def test_stages(golden: Golden) -> None:
    """All published configurations with their stems, in the order of the authors' file."""
    entries = [e for e in golden("naslung_models")["entries"] if e["published_in_model_npy"]]
    configs = {json.dumps([*e["stem"], e["config"]]): e for e in entries if e["variant"] != "spcbam_softmax"}
    names = ["model_a", "model_d", "model_e", "model_f", *(f"config_{i}" for i in range(5, 11))]
    ours = {n: shipped("genotypes/nas_lung").genotype(n) for n in names}
    assert len(configs) == len(ours)
    for text, entry in configs.items():
        for written in (text, f"config = {text}", repr(f"{entry['variant']}{text}")):
            (one,) = imported(written, "nas_lung").genotypes
            bare = {k: v for k, v in one.genotype.arguments.items() if k not in ("attention", "angular")}
            (name,) = [n for n, g in ours.items() if g.values == one.genotype.values]
            assert bare == dict(ours[name].arguments), name


def test_stages_have_the_parameters_that_were_counted(golden: Golden) -> None:
    """Also the configurations that were not published, in all variants."""
    entries = [e for e in golden("naslung_models")["entries"] if e["variant"] != "spcbam_softmax"]  # not published
    found = imported(json.dumps({"entries": entries}), "nas_lung").genotypes
    assert len(found) == len(entries)
    for one, entry in zip(found, entries, strict=True):
        assert cost_of(shipped("nas_lung").network(one.genotype)).registered == entry["params"]


def test_groups_have_the_parameters_that_were_counted(golden: Golden) -> None:
    entries = golden("analognas_archs")["entries"]
    text = "\n".join(f"{entry['name']} = {entry['config']!r}" for entry in entries)
    found = imported(text, "analog_nas").genotypes
    assert [one.original for one in found] == [entry["name"] for entry in entries]
    for one, entry in zip(found, entries, strict=True):
        if "params" in entry:
            assert cost_of(shipped("analog_nas").network(one.genotype)).registered == entry["params"]
        assert one.implied == ({"sampled": False} if entry["config"]["M"] == 5 else {})


def test_groups_equal_the_shipped_genotypes(golden: Golden) -> None:
    entries = {e["name"]: e["config"] for e in golden("analognas_archs")["entries"]}
    (best,) = imported(repr(entries["tutorial_best"]), "analog_nas").genotypes
    assert best.genotype == shipped("analog_nas").genotype("tutorial_best")
    for name in ("segnet_best_config", "segnet_best_config_hc"):
        (one,) = imported(repr(entries[name]), "nas_segnet", "nas_segnet").genotypes
        equals_shipped(one, "analog_nas", name)


# quark0/darts, cnn/genotypes.py, and PC-DARTS (Xu et al., ICLR 2020), whose authors write the concatenation as a range.
DARTS = """
DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1),
    ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5],
    reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0),
    ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])
PC_DARTS_cifar = Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1),
    ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_3x3', 1)], normal_concat=range(2, 6),
    reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_5x5', 2), ('sep_conv_3x3', 0),
    ('sep_conv_3x3', 3), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2)], reduce_concat=range(2, 6))
DARTS = DARTS_V2
"""


def test_darts() -> None:
    """3,349,342 parameters without the auxiliary head, at 36 channels and 20 cells: the 3.3 M of the paper."""
    found = imported(DARTS, "darts")
    assert [one.name for one in found.genotypes] == ["DARTS_V2", "PC_DARTS_cifar"]
    first, second = (one.genotype for one in found.genotypes)
    assert first.values["normal.s[5]"] == ("s[0]", "s[2]") and first.values["normal.s[5].s[2]"] == "dil_conv_3x3"
    assert second.values["reduce.s[4].s[3]"] == "sep_conv_3x3"
    cost = cost_of(shipped("darts").network(first, (3, 32, 32), {"c": 36, "layers": 20}))
    assert cost.live == 3_349_342


def test_a_list_for_each_node_and_weights_of_edges() -> None:
    """As GDAS and others write them, and with NNI's names of operators."""
    node = "[('sepconv3x3', 0, 0.13), ('skipconnect', 1, 0.12)]"
    cell = f"[{', '.join([node] * 4)}]"
    (one,) = imported(f"Genotype(normal={cell}, reduce={cell})", "darts").genotypes
    assert one.genotype.values["reduce.s[3]"] == ("s[0]", "s[1]")
    assert one.genotype.values["reduce.s[3].s[0]"] == "sep_conv_3x3"
    assert one.genotype.values["normal.s[5].s[1]"] == "skip_connect"
