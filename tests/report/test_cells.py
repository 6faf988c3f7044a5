"""Cells as graphs, as lines and as drawings."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from nascompile.compilation import Compilation
from nascompile.report.cells import Cell, as_text, cells_of
from nascompile.report.drawing import svg


@pytest.fixture(scope="module")
def unet(root: Path) -> Compilation:
    return Compilation.from_path(root / "specs" / "nas_unet.nas", input=(1, 64, 64))


@pytest.fixture(scope="module")
def cells(unet: Compilation) -> list[Cell]:
    genotype = unet.genotype("NASUNET")
    return cells_of(unet.program(unet.call_for(genotype)), genotype.values)


def test_a_genotype_draws_what_its_text_says(cells: list[Cell]) -> None:
    assert as_text(cells) == (
        "down_sc\n"
        "  s[2] = s[0] down_dep_conv + s[1] down_conv\n"
        "  s[3] = s[0] down_dil_conv + s[1] down_cweight\n"
        "  s[4] = s[0] down_conv + s[1] down_dil_conv\n"
        "  output = s[2], s[3], s[4]\n"
        "up_sc\n"
        "  s[2] = s[0] identity + s[1] up_cweight\n"
        "  s[3] = s[1] up_cweight + s[2] identity\n"
        "  s[4] = s[1] up_conv + s[3] cweight\n"
        "  output = s[2], s[3], s[4]"
    )


def test_an_open_space_draws_every_edge_without_what_is_never_kept(unet: Compilation) -> None:
    down = cells_of(unet.program(unet.call("nas_unet")))[0]
    assert [len([a for a in down.arrows if a.target == s]) for s in ("s[2]", "s[3]", "s[4]")] == [2, 3, 4]
    inner = next(a for a in down.arrows if (a.source, a.target) == ("s[2]", "s[3]"))
    assert "none" not in inner.operators and "identity" in inner.operators


def test_drawings_are_well_formed_and_boxes_do_not_overlap(cells: list[Cell]) -> None:
    space = "{http://www.w3.org/2000/svg}"
    for cell in cells:
        text = svg(cell)
        assert text == svg(cell)
        tree = ElementTree.fromstring(text)
        boxes = [r for r in tree.iter(f"{space}rect") if r.get("class")]
        assert len(boxes) == len(cell.states) + 1  # and the output
        places = [(float(b.get("x", 0)), float(b.get("y", 0))) for b in boxes]
        width, height = float(boxes[0].get("width", 0)), float(boxes[0].get("height", 0))
        for i, (x, y) in enumerate(places):
            assert 0 <= x <= float(tree.get("width", 0)) - width and 0 <= y <= float(tree.get("height", 0)) - height
            assert all(abs(x - u) >= width or abs(y - v) >= height for u, v in places[i + 1 :])
        labels = [t.text for t in tree.iter(f"{space}text") if t.get("class") == "label"]
        assert labels == [a.operators[0] for a in cell.arrows]
        spots = [t for t in tree.iter(f"{space}text") if t.get("class") == "label"]
        boxes_of_text = [(float(t.get("x", 0)), float(t.get("y", 0)), 6.0 * len(t.text or "")) for t in spots]
        for i, (x, y, w) in enumerate(boxes_of_text):
            assert all(2 * abs(x - u) >= w + v or abs(y - z) >= 12 for u, z, v in boxes_of_text[i + 1 :])


def test_a_benchmark_cell_without_picked_edges_is_drawn(root: Path) -> None:
    text = Compilation.from_path(root / "specs" / "nasbench201.nas", input=(3, 32, 32))
    (cell,) = cells_of(text.program(text.call("nasbench201")))
    assert {a.target for a in cell.arrows} == {"n[1]", "n[2]", "n[3]"}
    assert len(cell.arrows) == 6
