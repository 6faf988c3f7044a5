"""A network as one Python file and one weights file. Layout in `templates/source/network.py.j2`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nascompile.backends.source.blocks import Simplified, identifier
from nascompile.backends.source.body import Body, body_of, weight_places
from nascompile.backends.source.classes import Definition, Definitions
from nascompile.backends.source.code import definition
from nascompile.backends.weights import torch_name
from nascompile.ir.program import LayerNode, Program
from nascompile.resources import resource

if TYPE_CHECKING:
    from torch import Tensor

TOP = "Network"


@dataclass(frozen=True, slots=True)
class Source:
    """Generated source: its text, and the name of each module in it by its name in the compiled network."""

    text: str
    places: Mapping[str, str]

    def state(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """A compiled network's state dictionary under the names of the source."""
        found = {}
        for name, tensor in state.items():
            module, _, weight = name.rpartition(".")
            found[f"{self.places[module]}.{weight}"] = tensor
        return found


def write_source(program: Program, *, title: str, origin: tuple[str, ...], weights: str) -> Source:
    """The source of a program whose decisions are all bound, as `ruff format` would lay it out.

    `title` is the first line of its docstring, `origin` the lines below; `weights` the name of the weights file.
    Raises NasError `unsupported-layer`.
    """
    simplified = Simplified({}, [])
    graph = simplified.of(program.graph)
    known = Definitions(graph)
    taken = {TOP, "Tensor", "load", "json", "torch", "nn", "F", "AngularLinear", "DropPath"}
    bodies: dict[int, Body] = {}
    parts = []
    for found in known.ordered:
        is_top = found is known.of(graph)
        body = body_of(found, known, is_class=is_top)
        found.name = TOP if is_top else _name(found, body, taken)
        bodies[id(found)] = body
        parts.append(_part(found, body, known, program.name, is_top))
    needs = {row.needs for row in known.rows.values() if row.needs}
    text = "\n".join(line for body in bodies.values() for line in [*body.constructor, *body.forward])
    environment = Environment(
        loader=FileSystemLoader(resource("templates/source")), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    page = environment.get_template("network.py.j2").render(
        title=title, origin=origin, needs=needs, parts=parts, uses_functions="F." in text,
        load_head=definition("load", (f'path: str = "{weights}"',), " -> Network:", 0),
    )  # fmt: skip
    places = {torch_name(path): place for path, place in weight_places(graph, known, bodies).items()}
    return Source(page, places)


def _name(found: Definition, body: Body, taken: set[str]) -> str:
    own = re.sub(r"\W+", "_", found.graphs[0].name).strip("_")
    if not body.is_sequence:
        own = "".join(word[:1].upper() + word[1:] for word in own.split("_"))
    return identifier(own, taken, "part")


def _part(found: Definition, body: Body, known: Definitions, space: str, is_top: bool) -> dict[str, object]:
    graph = found.graphs[0]
    if is_top:
        doc = "The whole network."
    else:
        layers = [n.layer for n in graph.nodes if isinstance(n, LayerNode)]
        listed = ", ".join(dict.fromkeys(layers).keys()) if body.is_sequence else ""
        doc = f"`{graph.name}` of `{space}`{': ' + listed.replace('_', ' ') if listed else ''}."
    doc = textwrap.shorten(doc, 76, placeholder=" ...")
    parameters = tuple(f"{p.name}: {_type(p.values)}" for p in found.parameters)
    if body.is_sequence:
        head = definition(found.name, parameters, " -> nn.Sequential:", 0)
    else:
        head = definition("__init__", ("self", *parameters), " -> None:", 4)
    result = "Tensor" if len(graph.outputs) == 1 else f"tuple[{', '.join(['Tensor'] * len(graph.outputs))}]"
    forward = definition("forward", ("self", *(f"{i}: Tensor" for i in body.inputs)), f" -> {result}:", 4)
    return {
        "name": found.name, "doc": doc, "is_sequence": body.is_sequence, "head": head,
        "constructor": body.constructor, "forward_head": forward, "forward": body.forward,
    }  # fmt: skip


def _type(values: tuple[object, ...]) -> str:
    kinds = sorted({type(v).__name__ for v in values})
    named = ["tuple[int, ...]" if k == "tuple" else k for k in kinds]
    return " | ".join(named)
