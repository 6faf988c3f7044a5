"""Tile reports in the terminal and as CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from nascompile.report.tables import grouped, short, show_table

Figures = Mapping[str, Any]

_NUMERIC = ("matrix", "tiles", "used", "MACs", "uses", "energy", "latency")


def show(found: Sequence[Figures]) -> None:
    """Print a table of layers for each network, then what they are together."""
    for figures in found:
        tiles = figures["tiles_on"]
        show_table(
            f"{figures['name']} on {tiles['device']}",
            ("layer", "", "form", "matrix", "tiles", "used", "MACs", "uses", "energy", "latency"),
            [_line(row) for row in tiles["layers"]],
            right=_NUMERIC,
        )
        _show_total(figures["name"], tiles)


def _line(row: Figures) -> tuple[str, ...]:
    energy, latency = _si(row["energy_uj"] * 1e-6, "J"), _si(row["latency_us"] * 1e-6, "s")
    if row["form"] == "digital":
        macs = short(row["macs"])
        return row["path"], row["layer"], f"digital: {row['reason']}", "", "", "", macs, "", energy, latency
    groups = f"{row['groups']} x " if row["groups"] > 1 else ""
    return (
        row["path"],
        row["layer"],
        row["form"].replace("_", "-"),
        f"{groups}{row['inputs']}x{row['outputs']}",
        grouped(row["tiles"]),
        f"{row['utilisation']:.1%}",
        short(row["macs"]),
        grouped(row["uses"]),
        energy,
        latency,
    )


def _show_total(name: str, tiles: Figures) -> None:
    estimate = tiles["estimate"]
    forms = Counter(row["form"].replace("_", "-") for row in tiles["layers"])
    rows = [
        ("layers", ", ".join(f"{count} {form}" for form, count in forms.most_common())),
        ("tiles", f"{grouped(tiles['tiles'])} of {'x'.join(map(str, tiles['tile']))}"),
        ("used", f"{tiles['utilisation']:.1%} of their cells"),
        ("MACs on tiles", f"{_share(tiles['share_on_tiles'])} of {short(tiles['macs'])}"),
        ("products on tiles", f"{grouped(tiles['products'])} an image"),
        ("energy (model)", f"{_si(estimate['energy_uj'] * 1e-6, 'J')} an image"),
        ("without tiles (model)", f"{_si(estimate['digital_energy_uj'] * 1e-6, 'J')} for the multiply-accumulates"),
        ("latency (model)", f"{_si(estimate['latency_us'] * 1e-6, 's')}, layers one after the other"),
        ("interval (model)", f"{_si(estimate['interval_us'] * 1e-6, 's')}, layers at once on images in a row"),
    ]
    show_table(f"{name} on {tiles['device']}, in all", ("", "one image"), rows)
    print(f"Energies and times are a model, no measurement: {estimate['source']}.")
    print("Norms, activations, overlapping sums and the movement of data are not in it.")


def _share(value: float) -> str:
    """`99.52%`; what is not quite all is not called 100%."""
    return "over 99.99%" if 0.9999 < value < 1 else f"{value:.2%}"


def _si(value: float, unit: str) -> str:
    """`1.23 uJ`."""
    for prefix, size in (("", 1.0), ("m", 1e-3), ("u", 1e-6), ("n", 1e-9)):
        if value >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value / 1e-12:.3g} p{unit}"


def as_csv(found: Sequence[Figures]) -> str:
    """A line a layer, the sizes of its tiles as `256x128 256x128`."""
    rows: list[dict[str, Any]] = []
    for figures in found:
        tiles = figures["tiles_on"]
        head = {"network": figures["name"], "space": figures["space"], "device": tiles["device"]}
        for row in tiles["layers"]:
            sizes = " ".join("x".join(map(str, size)) for size in row["sizes"])
            rows.append(head | {**row, "sizes": sizes})
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
