"""The hierarchy of a network as it is to be read: identities, dead parts and wrappers of a single layer are gone."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, replace

from nascompile.ir.program import CallNode, Graph, LayerNode, Node
from nascompile.passes.drop_identity import drop_identity
from nascompile.passes.prune_dead import prune_dead


@dataclass(frozen=True, slots=True, eq=False)
class Simplified:
    """Graphs by the graph that they come from: instances of one op keep sharing one graph."""

    known: dict[int, Graph]
    kept: list[Graph]

    def of(self, graph: Graph) -> Graph:
        """`graph` without what a reader does not need; calls of at most one layer are inlined."""
        found = self.known.get(id(graph))
        if found is None:
            found = prune_dead(drop_identity(self._inlined(prune_dead(graph))))
            self.known[id(graph)] = found
            self.kept.append(graph)  # an id must not be used again while it is a key
        return found

    def _inlined(self, graph: Graph) -> Graph:
        nodes: list[Node] = []
        types = list(graph.types)
        alias: dict[int, int] = {}
        for node in graph.nodes:
            inputs = tuple(alias.get(i, i) for i in node.inputs)
            if not isinstance(node, CallNode):
                assert isinstance(node, LayerNode), f"{node.path}: undecided in a fixed network"
                like = None if node.sizes_like is None else alias.get(node.sizes_like, node.sizes_like)
                if node.layer == "interpolate" and node.attrs["to"] == 1 and like is None:
                    alias[node.outputs[0]] = inputs[0]
                    continue
                nodes.append(replace(node, inputs=inputs, sizes_like=like))
                continue
            inner = self.of(node.graph)
            if len(inner.nodes) > 1:
                nodes.append(replace(node, graph=inner, inputs=inputs))
                continue
            ids = dict(zip(inner.inputs, inputs, strict=True))
            for layer in inner.nodes:
                for output in layer.outputs:
                    types.append(inner.types[output])
                    ids[output] = len(types) - 1
                placed = replace(
                    layer, inputs=tuple(ids[i] for i in layer.inputs), outputs=tuple(ids[o] for o in layer.outputs),
                    path=f"{_marked(node)}.{_hidden(layer.path)}",
                )  # fmt: skip
                if isinstance(placed, LayerNode) and placed.sizes_like is not None:
                    placed = replace(placed, sizes_like=ids[placed.sizes_like])
                nodes.append(placed)
            for outer, (_, produced) in zip(node.outputs, inner.outputs, strict=True):
                alias[outer] = ids[produced]
        outputs = tuple((name, alias.get(value, value)) for name, value in graph.outputs)
        return Graph(graph.name, graph.inputs, tuple(nodes), outputs, tuple(types))


MARK = "~"
"""Stands before the name of an inlined op in a path, which a reader does not want to see."""


def _marked(node: CallNode) -> str:
    *outer, last = node.path.split(".")
    return ".".join([*outer, MARK + last]) if _is_wrapper(last, node.graph.name) else node.path


def _hidden(path: str) -> str:
    """A path inside of an op that is inlined: what its only layer is bound to there says nothing outside."""
    *outer, last = path.split(".")
    return ".".join([*(part if part.startswith(MARK) else MARK + part for part in outer), last])


def flat_path(path: str) -> str:
    """The path that the flat graph and the weights have."""
    return path.replace(MARK, "")


def label(node: Node) -> str:
    """A readable name for what computes a node's value: its path without the layer's or op's own name at the end.

    `s[2].s[0].down_conv.cna` is `s2_s0_down_conv`, `out.conv` is `out`, `conv_2` alone is empty.
    """
    own = node.graph.name if isinstance(node, CallNode) else getattr(node, "layer", "")
    parts = [part for part in node.path.split(".") if not part.startswith(MARK)]
    if parts and _is_wrapper(parts[-1], own):
        parts.pop()
    return "_".join(word for word in map(_word, parts) if word)


def first_word(node: Node) -> str:
    """The name that a node's value is bound to, or nothing: `s2` for `s[2].s[0].down_conv.cna`."""
    return _word(node.path.split(".")[0]) if label(node) else ""


def _is_wrapper(part: str, own: str) -> bool:
    return own != "" and re.fullmatch(rf"{re.escape(own)}(_\d+)?", part) is not None


def _word(part: str) -> str:
    text = re.sub(r"\[([^\]]*)\]", lambda m: "_".join(n.strip().replace("-", "m") for n in m[1].split(",")), part)
    return re.sub(r"\W+", "_", text).strip("_")


def identifier(text: str, taken: set[str], fallback: str) -> str:
    """`text` as a new name; `taken` grows. Words of Python and numbers in front get an underscore."""
    name = text or fallback
    if name[0].isdigit() or keyword.iskeyword(name):
        name = f"n{name}" if name[0].isdigit() else f"{name}_"
    number, result = 2, name
    while result in taken:
        result = f"{name}_{number}"
        number += 1
    taken.add(result)
    return result
