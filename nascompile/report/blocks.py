"""A whole network as blocks and links: one block for every name that the space's body binds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nascompile.ir.program import CallNode, GateNode, Graph, LayerNode, MixNode, Node, PhiNode, Program, TensorType

INPUT, OUTPUT = "input", "output"
_FEW = 3
_NAME = re.compile(r"([A-Za-z_]\w*(?:\[[^\]]*\])?)\.")


@dataclass(frozen=True, slots=True)
class Block:
    """What computes a bound value: its cells or operators (by name), and the value's channels and sides."""

    name: str
    contents: tuple[str, ...]
    channels: str
    sides: tuple[int, ...]

    @property
    def indices(self) -> tuple[int, ...]:
        """`(2, 0)` of `f[2, 0]`."""
        return tuple(map(int, re.findall(r"-?\d+", self.name.partition("[")[2])))

    @property
    def family(self) -> str:
        return self.name.partition("[")[0]

    @property
    def size(self) -> str:
        """`16²` where all sides are equal, else `16x24`."""
        if self.sides and len(set(self.sides)) == 1 and len(self.sides) in (2, 3):
            return f"{self.sides[0]}{'²' if len(self.sides) == 2 else '³'}"
        return "x".join(map(str, self.sides))


@dataclass(frozen=True, slots=True)
class Link:
    """A value that one block takes from another.

    `is_main`: its last input, not what a cell takes from further back. `label` is the operator or cell on the way.
    `is_kept` says whether a genotype keeps it; None where nothing is decided.
    """

    source: str
    target: str
    label: str = ""
    is_main: bool = True
    is_kept: bool | None = None


@dataclass(frozen=True, slots=True)
class Net:
    """Blocks in the order of the text, the input first."""

    name: str
    blocks: Mapping[str, Block]
    links: tuple[Link, ...]


def net_of(program: Program, values: Mapping[str, Any] | None = None) -> Net:
    """The body of a space, of the open program; `values` are a genotype's.

    Gates and optional repetitions belong to the block whose value they pass on; what the body does not name is the
    block `output` where only the output needs it. A body that is little more than one call is drawn as what it calls.
    """
    found = _named(program, values)
    if len(found.blocks) <= _FEW and any(_is_large(node) for node in program.graph.nodes):
        return _named(replace(program, graph=_unfolded(program.graph)), values)
    return found


def _is_large(node: Node) -> bool:
    return isinstance(node, CallNode) and len(node.graph.nodes) > 2 * _FEW


def _unfolded(graph: Graph) -> Graph:
    """With the nodes of large calls in place of the calls."""
    types, nodes = list(graph.types), list[Node]()
    for node in graph.nodes:
        if not isinstance(node, CallNode) or not _is_large(node):
            nodes.append(node)
            continue
        inner = node.graph
        ids = dict(zip(inner.inputs, node.inputs, strict=True))
        ids.update(zip((value for _, value in inner.outputs), node.outputs, strict=True))
        for value in range(len(inner.types)):
            if value not in ids:
                types.append(inner.types[value])
                ids[value] = len(types) - 1
        for each in inner.nodes:
            inputs, outputs = tuple(ids[v] for v in each.inputs), tuple(ids[v] for v in each.outputs)
            nodes.append(replace(each, inputs=inputs, outputs=outputs))
    return replace(graph, nodes=tuple(nodes), types=tuple(types))


def _named(program: Program, values: Mapping[str, Any] | None) -> Net:
    """One block for each name of the body."""
    owners = {program.graph.inputs[0]: INPUT}
    unnamed = _unnamed(program)
    blocks = {INPUT: _block(INPUT, [], program.graph.types[program.graph.inputs[0]])}
    nodes: dict[str, list[Node]] = {}
    links: dict[tuple[str, str, str], Link] = {}
    kept: dict[str, bool | None] = {}
    for node in program.graph.nodes:
        if getattr(node, "is_dead", False):
            continue
        if isinstance(node, (GateNode, PhiNode)) and node.inputs[0] in owners:
            name = owners[node.inputs[0]]
            if isinstance(node, GateNode) and node.label == name:
                kept[name] = None if values is None else node.label in _chosen(values.get(node.decision))
        else:
            found = _NAME.match(node.path)
            name = found[1] if found else OUTPUT if id(node) in unnamed else node.path
            name = _again(name, blocks, [owners[value] for value in node.inputs if value in owners])
        for number, value in enumerate(node.inputs):
            source = owners.get(value)
            if source is None or source == name:
                continue
            is_call = isinstance(node, CallNode)
            label = node.graph.name if isinstance(node, CallNode) else ""
            is_main = not is_call or number == len(node.inputs) - 1
            link = Link(source, name, label, is_main, kept.get(source))
            if is_main or (source, name, label) not in links:
                links[source, name, label] = link
        owners.update(dict.fromkeys(node.outputs, name))
        if isinstance(node, (GateNode, PhiNode)) and name in blocks:
            continue
        nodes.setdefault(name, []).append(node)
        blocks[name] = _block(name, nodes[name], program.graph.types[node.outputs[0]], values)
    ends = {owners[value] for _, value in program.graph.outputs if value in owners}
    return _needed(Net(program.name, blocks, tuple(links.values())), ends)


def _again(name: str, blocks: Mapping[str, Block], sources: list[str]) -> str:
    """The name, or `NAME (2)` where a body comes back to a name after others have used its value."""
    order = list(blocks)
    number, found = 1, name
    while found in blocks and any(order.index(found) < order.index(s) for s in sources if s != found):
        number += 1
        found = f"{name} ({number})"
    return found


def _needed(net: Net, ends: set[str]) -> Net:
    """Without blocks that no output depends on."""
    found = set(ends)
    for name in reversed(list(net.blocks)):
        if any(link.source == name and link.target in found for link in net.links):
            found.add(name)
    blocks = {name: block for name, block in net.blocks.items() if name in found}
    return Net(net.name, blocks, tuple(link for link in net.links if {link.source, link.target} <= found))


def _chosen(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


def _unnamed(program: Program) -> set[int]:
    """Nodes without a bound name that only the output needs, by identity."""
    users: dict[int, list[Node]] = {}
    for node in program.graph.nodes:
        for value in node.inputs:
            users.setdefault(value, []).append(node)
    found: set[int] = set()
    for node in reversed(program.graph.nodes):
        after = [user for value in node.outputs for user in users.get(value, ()) if not getattr(user, "is_dead", False)]
        if not _NAME.match(node.path) and all(id(user) in found for user in after):
            found.add(id(node))
    return found


_SMALL = frozenset(
    {"add", "batch_norm", "channel_dropout", "concat", "group_norm", "identity", "instance_norm", "relu"}
)


def _block(name: str, nodes: list[Node], type_: TensorType, values: Mapping[str, Any] | None = None) -> Block:
    """What the nodes of one name are: the operator that is picked there, its cells, or its layers."""
    picked = [node for node in nodes if isinstance(node, MixNode) and node.decision == name]
    calls = [node.graph.name for node in nodes if isinstance(node, CallNode)]
    layers = [node.layer for node in nodes if isinstance(node, LayerNode) and node.layer not in _SMALL]
    channels = str(type_.channels)
    sides = tuple(side for side in type_.spatial if isinstance(side, int))
    contents = [_operator(node, values) for node in picked] or calls or layers
    return Block(name, tuple(dict.fromkeys(contents)), channels if len(channels) < 12 else "…", sides)


def _operator(node: MixNode, values: Mapping[str, Any] | None) -> str:
    if values is not None:
        return str(values.get(node.decision, "dropped"))
    return f"one of {len(node.labels)} operators"
