"""Whole networks as pictures and lines: what stands where, what is linked, what a genotype keeps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nascompile.compilation import Compilation
from nascompile.report.blocks import Net, net_of
from nascompile.report.canvas import Drawing, svg_text, write_png
from nascompile.report.layout import lay_out
from nascompile.report.nets import draw_net, net_lines

SVG = "{http://www.w3.org/2000/svg}"


def net(root: Path, text: str, input_: tuple[int, ...], genotype: str | None = None) -> Net:
    """The network of a shipped text."""
    found = Compilation.from_path(root / "specs" / f"{text}.nas", input=input_)
    if genotype is None:
        return net_of(found.program(found.call(None)))
    made = found.genotype(genotype)
    return net_of(found.program(found.call_for(made)), made.values)


def apart(drawing: Drawing) -> bool:
    """No two boxes overlap, and all lie inside."""
    boxes = drawing.boxes
    inside = all(
        b.width / 2 <= b.x <= drawing.width - b.width / 2 and b.height / 2 <= b.y <= drawing.height - b.height / 2
        for b in boxes
    )
    return inside and not any(a.meets(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_a_u_shape(root: Path) -> None:
    """Down and up again by resolution, and the skips level."""
    unet = net(root, "nas_unet", (1, 64, 64), "NASUNET")
    places = lay_out(unet).places
    down, up = [f"skip[{i}]" for i in range(1, 6)], [f"y[{i}]" for i in range(1, 6)]
    assert [places[name][1] for name in down] == [1, 2, 3, 4, 5]
    assert [places[name][1] for name in up] == [4, 3, 2, 1, 0]
    columns = [places[name][0] for name in [*down, *up]]
    assert columns == sorted(set(columns))
    skips = [(link.source, link.target) for link in unet.links if link.target.startswith("y[") and not link.is_main]
    assert skips == [(f"skip[{4 - i}]", f"y[{i + 1}]") for i in range(5)]
    assert all(places[a][1] == places[b][1] for a, b in skips)
    assert unet.blocks["skip[2]"].contents == ("down_sc",)
    assert unet.blocks["skip[2]"].size == "16²"


def test_a_woven_triangle(root: Path) -> None:
    """Nodes by level and layer; every node takes what is above, beside and below it."""
    found = lay_out(net(root, "mixsearch", (3, 64, 64)))
    nodes = {(layer, v) for v in range(5) for layer in range(v, 9 - v) if (layer - v) % 2 == 0} | {(-2, 0)}
    assert {found.net.blocks[name].indices for name in found.lattice} == nodes
    main = {(link.source, link.target): link.label for link in found.net.links if link.is_main and link.label}
    assert main["f[2, 2]", "f[4, 2]"] == "normal_normal"
    assert main["f[4, 2]", "f[6, 2]"] == "normal_down"  # as published
    assert (main["f[3, 1]", "f[4, 2]"], main["f[3, 3]", "f[4, 2]"]) == ("normal_down", "normal_up")
    for source, target in main:
        (x0, y0), (x1, y1) = found.places[source], found.places[target]
        assert x1 > x0 and abs(y1 - y0) <= 1


def test_a_grid_with_kept_edges(root: Path) -> None:
    """All 120 edges are there, those of the published genotype bold and coloured by their operator."""
    grid = net(root, "genotypes/dints", (1, 96, 96, 96), "cvpr2021")
    found = lay_out(grid)
    assert len(found.lattice) == 13 * 4
    edges = [link for link in found.net.links if link.source in found.lattice and link.target in found.lattice]
    assert len(edges) == 120
    assert sum(link.is_kept is True for link in edges) == 97
    drawing = draw_net(grid)
    assert sum(curve.width > 2 for curve in drawing.curves) == 97
    assert sum(curve.kind == "faint" for curve in drawing.curves) == 23
    assert [label.text for label in drawing.labels[1:]] == [
        "conv_1x3x3", "conv_3x1x3", "conv_3x3x1", "conv_3x3x3", "skip_connect"
    ]  # fmt: skip
    (idle,) = [box for box in drawing.boxes if box.kind == "idle"]
    assert idle.lines[0] == "node[12, 1]"
    x = {name: place[0] for name, place in found.places.items()}
    assert all(x[f"node[{b}, {d}]"] - x["node[0, 0]"] == b for b in range(13) for d in range(4))


def test_a_chain_is_no_lattice(root: Path) -> None:
    """Groups of blocks by two indices, inside the one operator that the space calls."""
    chain = net(root, "genotypes/analog_nas", (3, 32, 32), "tutorial_best")
    found = lay_out(chain)
    assert not found.lattice
    columns = [found.places[name][0] for name in chain.blocks]
    assert {"y[0, 0]", "y[3, 2]"} <= set(chain.blocks) and columns == list(range(len(columns)))


PICTURES = [
    ("nas_unet", (1, 64, 64)), ("mixsearch", (3, 64, 64)), ("dints", (1, 32, 32)), ("auto_deeplab", (3, 64, 64)),
    ("unet", (1, 64, 64)), ("unet_plus_plus", (1, 64, 64)), ("darts", (3, 32, 32)), ("nas_lung", (1, 32, 32, 32)),
    ("nasbench201", (3, 32, 32)), ("mobilenet_v3", (3, 64, 64)), ("analog_nas", (3, 32, 32)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "input_"), PICTURES)
def test_every_shipped_space(root: Path, text: str, input_: tuple[int, ...]) -> None:
    """One box a block, one line a link, nothing overlaps, links lead to the right or straight down; lines too."""
    found = net(root, text, input_)
    layout = lay_out(found)
    drawing = draw_net(found)
    assert apart(drawing)
    assert len(drawing.boxes) == len(layout.net.blocks) == len(set(layout.places.values()))
    for link in layout.net.links:
        assert layout.places[link.source][0] <= layout.places[link.target][0]
    tree = ElementTree.fromstring(svg_text(drawing))
    assert sum(r.get("class") is not None for r in tree.iter(f"{SVG}rect")) == len(drawing.boxes)
    assert sum(p.get("class") is not None for p in tree.iter(f"{SVG}path")) == len(drawing.curves)
    assert svg_text(drawing) == svg_text(draw_net(found))
    assert (
        any("o" in line for line in net_lines(found)) if layout.lattice else len(net_lines(found)) == len(found.blocks)
    )


def test_pixels(root: Path, tmp_path: Path) -> None:
    drawing = draw_net(net(root, "unet", (1, 64, 64)))
    write_png(drawing, tmp_path / "unet.png", 1.0)
    from PIL import Image

    with Image.open(tmp_path / "unet.png") as image:
        assert abs(image.width - drawing.width) <= 1 and abs(image.height - drawing.height) <= 1
        assert len(set(image.convert("RGB").resize((60, 20)).tobytes())) > 9
    assert [path.name for path in tmp_path.iterdir()] == ["unet.png"]


def test_drawing_does_not_need_torch(root: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from nascompile.cli.app import main\n"
        "sys.argv = ['nascompile', 'show', sys.argv[1], '-g', 'NASUNET', '--svg', sys.argv[2]]\n"
        "main()"
    )
    for name in ("unet.svg", "unet.png"):
        arguments = [str(root / "specs" / "nas_unet.nas"), str(tmp_path / name)]
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, encoding="utf-8", timeout=120
        )
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).stat().st_size > 5000


@pytest.mark.parametrize("name", ["nas_unet", "mixsearch", "dints", "unet_plus_plus"])
def test_pictures_of_the_documentation(root: Path, name: str) -> None:
    path = root / "docs" / "pictures" / f"{name}.svg"
    assert path.stat().st_size < 60_000
    assert ElementTree.parse(path).getroot().tag == f"{SVG}svg"
    assert f"pictures/{name}.svg" in (root / "docs" / "pictures.md").read_text(encoding="utf-8")
