"""The part of `docs/results.md` on networks that left the laboratory: ONNX, fewer bits, prediction on scans."""

from __future__ import annotations

import re
import statistics
from typing import Any


def always(found: Any) -> list[str]:
    """`onnx_always.json`: random genotypes of every space."""
    exports = found["exports"]
    failed = [e for e in exports if "problem" in e]
    all_free = [e for e in exports if len(e.get("free", ())) > 1]
    spaces: dict[str, list[Any]] = {}
    for one in exports:
        spaces.setdefault(one["space"], []).append(one)
    lines = [
        "## Every network exports",
        "",
        "`python benchmarks/onnx_always.py`. Random genotypes of the shipped spaces through the default exporter, with",
        "free axes, and through the gate. `free`: batch and all image sizes; in the others a layer fixes the sizes.",
        f"{len(exports)} genotypes, {len(exports) - len(failed)} exported and passed, {len(all_free)} of them free;",
        f"median {statistics.median(e['seconds'] for e in exports):.1f} s an export on a machine that did other work.",
        "",
        "| space | genotypes | passed | free | error, median | largest | seconds, median |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, ones in spaces.items():
        passed = [e for e in ones if "problem" not in e]
        worst = [e["worst"] for e in passed] or [float("nan")]
        free, seconds = sum(len(e["free"]) > 1 for e in passed), statistics.median(e["seconds"] for e in ones)
        errors = f"{statistics.median(worst):.1f} | {max(worst):.1f}"
        lines.append(f"| {name} | {len(ones)} | {len(passed)} | {free} | {errors} | {seconds:.1f} |")
    return [
        *lines,
        "",
        "`error`: the largest ratio of ONNX Runtime's error to torch's own over the inputs of one network; the gate",
        "asks for at most 2 over all inputs together and 5 for one.",
        "",
    ]


def published(found: Any) -> list[str]:
    """`onnx_published.json`."""
    lines = [
        "## Published networks as ONNX",
        "",
        "`python benchmarks/onnx_published.py`. One thread, one image; ONNX Runtime and eager torch in turns.",
        "",
        "| network | input | parameters | torch ms | ONNX Runtime ms | ratio | largest error, of torch's own |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in found["networks"].items():
        size, worst = "x".join(map(str, one["input"])), max(map(error_ratio, one["agreements"]))
        eager, runtime = (statistics.median(one[key]) for key in ("torch_ms", "onnxruntime_ms"))
        times = f"{eager:.1f} | {runtime:.1f} | {one['ratio']:.2f}"
        lines.append(f"| {name} | {size} | {one['params']:,} | {times} | {worst:.1f} |")
    return [*lines, ""]


def error_ratio(text: str) -> float:
    """ONNX Runtime's error over torch's own in a comparison's line."""
    found = re.search(r"error ([\d.e+-]+), torch's own ([\d.e+-]+)", text)
    assert found is not None
    return float(found[1]) / float(found[2])


def smaller(found: Any) -> list[str]:
    """`small_models.json`."""
    lines = [
        "## Fewer bits",
        "",
        "`python benchmarks/small_models.py RUN...`: trained networks of this page, int8 calibrated on 16 training",
        "images, the metric on the validation cases. One thread; latency as a share of float32's.",
        "",
        "| run | space | cases | float32 | float16 | int8 |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in found["runs"].items():
        cells = [
            f"{one['metric']} {f['value']:.4f}, {f['bytes'] / 1e3:,.0f} kB, {f['of float32']:.2f}"
            for f in one["files"].values()
        ]
        lines.append(f"| {name} | {one['space']} | {one['cases']} | {' | '.join(cells)} |")
    return [*lines, ""]


def predicted(found: Any) -> list[str]:
    """`predict_volumes.json`."""
    summary = found["summary"]
    lines = [
        "## Masks on the grids of real volumes",
        "",
        "`python benchmarks/predict_volumes.py --run RUN --data FOLDER`: `nascompile predict` on CT and MR volumes",
        "(DICOM, NIfTI, NRRD, MetaImage; oblique, flipped and anisotropic ones among them). Size, spacing, origin and",
        f"direction of {summary['equal']} of {summary['volumes']} masks are those of the image; the largest difference",
        f"anywhere is {summary['largest_difference_mm']} mm.",
        "",
        f"{summary['label_maps']} label maps taken to a share of their spacing as training reads them, and back: as",
        "label maps (nearest neighbour), and as probabilities, the most that a perfect network could get (lesions of a",
        "few voxels are what is lost; above 1, voxels themselves). Lowest Dice of the foreground:",
        "",
        "| share | label maps | map | probabilities | map |",
        "|---|---|---|---|---|",
    ]
    for share in summary["lowest_dice"]["labels"]:
        cells = []
        for way in ("labels", "probabilities"):
            lowest = summary["lowest_dice"][way][share]
            name = min(found["round_trips"], key=lambda one, at=share, w=way: float(one[w][at]["dice"]))["file"]
            cells += [f"{lowest:.3f}", name if lowest < 1 else ""]
        lines.append(f"| {share} | {' | '.join(cells)} |")
    return [*lines, ""]
