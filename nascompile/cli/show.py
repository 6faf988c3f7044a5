"""`nascompile show`: what a space or a genotype is, without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from nascompile.cli import options
from nascompile.cli.guard import guarded
from nascompile.compilation import Compilation
from nascompile.config.constants import SpaceCall, with_classes


@guarded
def show(
    spec: options.Spec,
    space: options.Space = None,
    genotype: options.GenotypeName = None,
    set_: options.Set = None,
    config: options.Config = None,
    data: options.Data = None,
    input: options.Input = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Draw the network and its cells (.svg or .png).")
    ] = None,
    json_: options.Json = False,
) -> None:
    """Show decisions, the exact number of genotypes, parameters, operations and a drawing."""
    options.require_suffix("--svg", svg, ".svg", ".png")
    text = options.compilation(spec, set_, config, data, input)
    found = _describe(text, space, genotype)
    if svg is not None:
        _write_drawing(found, svg)
    if json_:
        print(json.dumps({k: v for k, v in found.items() if k not in ("cells", "net")}, indent=1))
    else:
        _print(found)


def _describe(text: Compilation, space: str | None, genotype: str | None) -> dict[str, Any]:
    from nascompile.profile.cost import cost_of
    from nascompile.profile.opening import for_genotypes
    from nascompile.report.blocks import net_of
    from nascompile.report.cells import cells_of
    from nascompile.report.tables import decision_rows
    from nascompile.space.expression import value_expression
    from nascompile.syntax.formatter import format_expression

    values = None
    if genotype is not None:
        made = text.genotype(genotype)
        values = made.values
        call: SpaceCall = text.call_of(text.genotype_declaration(genotype).space)
        program = text.network(made)
    else:
        call = text.call(space)
        if space is None and text.library.searches:  # as it is searched
            call = with_classes(call, text.library, text.task())
        program = text.program(call)
    size = text.input_of(call)
    open_ = text.program(call) if genotype is None else for_genotypes(text.open_space, call, size).program
    net = net_of(open_, values)
    if values is not None and all(link.is_kept is None for link in net.links):
        net = net_of(program)  # no edge of the network is decided: draw what the genotype builds
    found: dict[str, Any] = {
        "space": call.name,
        "genotype": genotype,
        "arguments": {k: format_expression(value_expression(v)) for k, v in program.arguments.items()},
        "input": list(program.input.axes),
        "outputs": {name: str(program.graph.types[value]) for name, value in program.graph.outputs},
        "cells": cells_of(open_, values),
        "net": net,
    }
    if genotype is None:
        searched = text.open_space(call)
        text.require_outputs(searched)
        found["genotypes"] = searched.size()
        found["decisions"] = decision_rows(open_.decisions)
    else:
        found["values"] = {k: list(v) if isinstance(v, tuple) else v for k, v in (values or {}).items()}
    cost = cost_of(program)
    found |= {"registered": cost.registered, "live": cost.live, "macs": cost.macs, "activations": cost.activations}
    found["is_exact"] = cost.is_exact
    return found


def _write_drawing(found: dict[str, Any], path: Path) -> None:
    """One picture: the network, and below it every cell."""
    from nascompile.files import write_text
    from nascompile.report.canvas import stacked, svg_text, write_png
    from nascompile.report.drawing import draw_cell
    from nascompile.report.nets import draw_net

    title = f"{found['space']}: {found['genotype']}" if found["genotype"] else found["space"]
    drawing = stacked([draw_net(found["net"], title), *(draw_cell(cell) for cell in _drawn_cells(found))])
    if path.suffix.lower() == ".png":
        write_png(drawing, path)
    else:
        write_text(path, svg_text(drawing))
    print(f"wrote {path}")


def _drawn_cells(found: dict[str, Any]) -> list[Any]:
    """Without the edges that the space itself picks, where the network's lattice shows them."""
    from nascompile.report.layout import lay_out

    is_lattice = bool(lay_out(found["net"]).lattice)
    return [cell for cell in found["cells"] if cell.name != found["space"] or not is_lattice]


def _print(found: dict[str, Any]) -> None:
    from nascompile.report.cells import as_text
    from nascompile.report.nets import net_lines
    from nascompile.report.tables import grouped, short, show_table

    of = f" of genotype {found['genotype']}" if found["genotype"] else ""
    print(f"space {found['space']}{of}")
    print(f"  arguments    {', '.join(f'{k} = {v}' for k, v in found['arguments'].items())}")
    print(f"  input        {found['input']}")
    print(f"  outputs      {', '.join(f'{k} {v}' for k, v in found['outputs'].items())}")
    if "genotypes" in found:
        print(f"  genotypes    {grouped(found['genotypes'])}")
    if "live" in found:
        what = ""
        if found["genotype"] is None and found["decisions"]:
            what = "of the supernet, all candidates" if found["is_exact"] else "at most, with the largest picks"
        print(
            f"  parameters   {grouped(found['live'])} live, {grouped(found['registered'])} registered  {what}".rstrip()
        )
        print(f"  MACs         {grouped(found['macs'])} ({short(found['macs'])})")
    if found.get("decisions"):
        columns = ("decision", "kind", "keeps", "candidates", "relax", "decode", "shares")
        rows = (
            (r["path"], r["kind"], r["keeps"], _candidates(r), r["relax"], r["decode"], r["tied"])
            for r in found["decisions"]
        )
        show_table("", columns, rows)
    print()
    print("\n".join(net_lines(found["net"])))
    if _drawn_cells(found):
        print()
        print(as_text(_drawn_cells(found)))


def _candidates(row: dict[str, Any]) -> str:
    never = set(row["never"])
    return " | ".join(f"({c})" if c in never else c for c in row["candidates"])
