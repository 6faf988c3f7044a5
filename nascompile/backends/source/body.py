"""The lines of one class: what its constructor makes and what its `forward` computes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nascompile.backends.source.blocks import first_word, flat_path, identifier, label
from nascompile.backends.source.classes import Definition, Definitions
from nascompile.backends.source.code import Call, Chain, Code, laid_out, line
from nascompile.backends.source.rows import Written
from nascompile.ir.program import CallNode, Graph, LayerNode, Node
from nascompile.passes.uses import count_uses

_OWN = {"add", "apply", "buffers", "children", "cpu", "double", "eval", "float", "forward", "half", "modules", "train",
        "training", "type", "to", "zero_grad", "body", "share_memory", "compile"}  # fmt: skip
"""Attributes of nn.Module that a layer must not hide."""

_INLINED = 44
"""An expression that is read once is written where it is read, up to so many letters."""


@dataclass(frozen=True, slots=True)
class Stage:
    """An attribute that holds a module: one node, or a chain of them in a `nn.Sequential`."""

    name: str
    nodes: tuple[Node, ...]


@dataclass(slots=True)
class Body:
    """Attributes and statements of a definition, drawn from its first graph.

    `places` says where the module of a node's path is: `skip2.0`. `is_sequence`: a plain chain of modules.
    """

    stages: list[Stage] = field(default_factory=list)
    constructor: list[str] = field(default_factory=list)
    forward: list[str] = field(default_factory=list)
    inputs: tuple[str, ...] = ()
    places: dict[str, str] = field(default_factory=dict)
    is_sequence: bool = False


def body_of(found: Definition, all_: Definitions, *, is_class: bool = False) -> Body:
    """The body of a definition whose inner definitions have names already; `is_class`: never a plain chain."""
    return _Writer(found.graphs[0], found, all_, is_class).body


class _Writer:
    def __init__(self, graph: Graph, found: Definition, all_: Definitions, is_class: bool):
        self.graph, self.all = graph, all_
        self.uses: Counter[int] = count_uses(graph)
        self.codes = self._codes(found)
        self.body = Body()
        self.chains = list(self._chains())
        self.names: set[str] = set()
        outputs = [value for _, value in graph.outputs]
        self.parameters = {p.name for p in found.parameters}
        if not is_class and len(self.chains) == 1 and len(graph.inputs) == len(outputs) == 1 and len(graph.nodes) > 1:
            only = self.chains[0]
            whole = len(only) == len(graph.nodes) and only[-1].outputs == (outputs[0],)
            if whole and only[0].inputs == graph.inputs:
                self._sequence(only)
                return
        self._stages()
        self._forward()

    def _codes(self, found: Definition) -> dict[int, list[str | None]]:
        """What is written for the slots of each node."""
        left = list(found.codes)
        codes: dict[int, list[str | None]] = {}
        for node in self.graph.nodes:
            if isinstance(node, LayerNode):
                count = len(self.all.row(node).slots)
            else:
                assert isinstance(node, CallNode)
                count = len(self.all.of(node.graph).parameters)
            codes[id(node)], left = left[:count], left[count:]
        return codes

    def _row(self, node: Node) -> Written | None:
        return self.all.row(node) if isinstance(node, LayerNode) else None

    def _is_module(self, node: Node) -> bool:
        row = self._row(node)
        return row is None or row.module is not None

    def _chains(self) -> Iterator[list[Node]]:
        """Modules one behind the other, as far as their names belong together."""
        repeated = Counter(n.path for n in self.graph.nodes)
        following: dict[int, Node] = {}
        for node in self.graph.nodes:
            for value in node.inputs:
                following[value] = node
        done: set[int] = set()
        for node in self.graph.nodes:
            if id(node) in done or not self._is_module(node):
                continue
            chain = [node]
            while True:
                last = chain[-1]
                after = following.get(last.outputs[0]) if len(last.outputs) == 1 else None
                joined = (
                    after is not None and self.uses[last.outputs[0]] == 1 and self._is_module(after)
                    and after.inputs == last.outputs and label(after) == label(node)
                    and repeated[after.path] == repeated[last.path] == 1
                )  # fmt: skip
                if not joined or after is None:
                    break
                chain.append(after)
            done.update(id(n) for n in chain)
            yield chain

    def _made(self, node: Node) -> Code:
        """The constructor's call for a module."""
        codes = self.codes[id(node)]
        if isinstance(node, CallNode):
            inner = self.all.of(node.graph)
            return Call(inner.name, tuple((None, str(c)) for c in codes))
        row = self.all.row(node)  # type: ignore[arg-type]
        assert row.module is not None
        given = [(s.keyword, c) for s, c in zip(row.slots, codes, strict=True) if c is not None]
        return Call(row.module, tuple(given))

    def _sequence(self, chain: Sequence[Node]) -> None:
        self.body.is_sequence = True
        made = Call("nn.Sequential", tuple((None, self._made(n)) for n in chain))
        self.body.constructor = laid_out("return ", made, "", 4)
        self.body.places = {n.path: str(i) for i, n in enumerate(chain)}

    def _stages(self) -> None:
        """Attributes, in the order of use; a module that is used twice is made once."""
        taken = set(_OWN)
        known: dict[str, Stage] = {}
        self.stage_of: dict[int, Stage] = {}
        for chain in self.chains:
            if chain[0].path in known:
                self.stage_of[id(chain[0])] = known[chain[0].path]
                continue
            simple = getattr(chain[0], "layer", "layers") if len(chain) == 1 else "layers"
            name = identifier(label(chain[0]), taken, simple if len(chain) == 1 else "layers")
            stage = Stage(name, tuple(chain))
            known[chain[0].path] = stage
            self.stage_of[id(chain[0])] = stage
            self.body.stages.append(stage)
            made = [self._made(n) for n in chain]
            code = made[0] if len(made) == 1 else Call("nn.Sequential", tuple((None, m) for m in made))
            self.body.constructor += laid_out(f"self.{name} = ", code, "", 8)
            for position, node in enumerate(chain):
                self.body.places[node.path] = name if len(chain) == 1 else f"{name}.{position}"

    def _forward(self) -> None:
        graph = self.graph
        count = len(graph.inputs)
        self.body.inputs = ("x",) if count == 1 else tuple("abcdefgh"[:count]) if count <= 8 else ()
        if not self.body.inputs:
            self.body.inputs = tuple(f"x{i}" for i in range(count))
        taken = {*self.body.inputs, "self", "torch", "nn", "F"}
        values: dict[int, Code] = dict(zip(graph.inputs, self.body.inputs, strict=True))
        last_of = {first_word(n): n for n in graph.nodes}
        inside = {id(n) for chain in self.chains for n in chain[1:]}
        ends = {id(chain[0]): chain[-1] for chain in self.chains}
        strict = self._named_inputs()
        lines: list[str] = []

        def named(node: Node, code: Code, outputs: Sequence[int], number: int) -> None:
            own = label(node)
            binding = first_word(node)
            final = last_of[binding] is node and len(outputs) == 1
            taken.difference_update(self._free(values, taken, number))
            names = [identifier(binding if final else own, taken, "y") for _ in outputs]
            lines.extend(laid_out(f"{', '.join(names)} = ", self._short(code, lines, taken), "", 8))
            values.update(zip(outputs, names, strict=True))

        for number, node in enumerate(graph.nodes):
            if id(node) in inside:
                continue
            end = ends.get(id(node), node)
            code = self._computed(node, [values[i] for i in _read(node)])
            output = end.outputs[0]
            once = len(end.outputs) == 1 and self.uses[output] == 1 and output not in strict
            is_result = [output] == [value for _, value in graph.outputs]
            is_short = len(line(code)) <= _INLINED and not isinstance(code, Chain)
            if once and (is_result or (is_short and not self._is_tangled(end, code))):
                values[output] = code
            else:
                named(end, code, end.outputs, number)
        results = [values[value] for _, value in graph.outputs]
        if len(results) == 1:
            lines += laid_out("return ", self._short(results[0], lines, taken), "", 8)
        else:
            lines += laid_out("return ", ", ".join(line(r) for r in results), "", 8)
        self.body.forward = lines

    def _is_tangled(self, node: Node, code: Code) -> bool:
        """Whether a value is hard to follow where it is read: behind two modules, or as one of several inputs that has
        several inputs itself."""
        reader = next((n for n in self.graph.nodes if node.outputs[0] in _read(n)), None)
        joins = isinstance(reader, CallNode) and len(reader.inputs) > 1
        return line(code).count("self.") > 2 or (joins and isinstance(node, CallNode) and len(node.inputs) > 1)

    def _free(self, values: dict[int, Code], taken: set[str], number: int) -> set[str]:
        """Names whose values nothing reads behind node `number`; a person would use them again."""
        later = {v for node in self.graph.nodes[number + 1 :] for v in _read(node)}
        later.update(value for _, value in self.graph.outputs)
        pending = "\n".join(line(c) for v, c in values.items() if v in later)
        dead = {c for v, c in values.items() if isinstance(c, str) and c in taken and v not in later}
        return {name for name in dead if not re.search(rf"\b{re.escape(name)}\b", pending)}

    def _short(self, code: Code, lines: list[str], taken: set[str]) -> Code:
        """A sum of two that is too long for a line: its operands get names first."""
        if not isinstance(code, Chain) or len(code.operands) > 2 or len(line(code)) < 60:
            return code
        operands: list[Code] = []
        for operand in code.operands:
            if isinstance(operand, str):
                operands.append(operand)
                continue
            name = identifier("term", taken, "term")
            lines.extend(laid_out(f"{name} = ", operand, "", 8))
            operands.append(name)
        return Chain(code.operator, tuple(operands))

    def _named_inputs(self) -> set[int]:
        """Values that something repeats or calls a method of."""
        found: set[int] = set()
        for node in self.graph.nodes:
            row = self._row(node)
            if row is not None and row.names_input:
                found.update(v for v, wanted in zip(_read(node), row.names_input, strict=True) if wanted)
        return found

    def _computed(self, node: Node, inputs: Sequence[Code]) -> Code:
        stage = self.stage_of.get(id(node)) if hasattr(self, "stage_of") else None
        if stage is not None:
            return Call(f"self.{stage.name}", tuple((None, i) for i in inputs))
        row = self._row(node)
        assert row is not None and row.build is not None
        codes = zip(row.slots, self.codes[id(node)], strict=True)
        given = [(s.keyword, self._kept(c)) for s, c in codes if c is not None]
        return row.build(inputs, given)

    def _kept(self, code: str) -> str:
        """A parameter that `forward` reads is an attribute."""
        if code not in self.parameters:
            return code
        kept = f"        self.{code} = {code}"
        if kept not in self.body.constructor:
            self.body.constructor.append(kept)
        return f"self.{code}"


def _read(node: Node) -> list[int]:
    """Values that a node reads; the one whose size it takes is last."""
    like = getattr(node, "sizes_like", None)
    return [*node.inputs, *([] if like is None else [like])]


def weight_places(graph: Graph, all_: Definitions, bodies: dict[int, Body]) -> dict[str, str]:
    """The name of each module in the source by its path in the flat graph."""
    found: dict[str, str] = {}

    def walk(graph: Graph, path: str, place: str) -> None:
        definition = all_.of(graph)
        body = bodies[id(definition)]
        drawn = definition.graphs[0]
        for node, first in zip(graph.nodes, drawn.nodes, strict=True):
            own = flat_path(f"{path}.{node.path}" if path else node.path)
            inner = body.places.get(first.path)
            if inner is None:
                continue
            where = f"{place}.{inner}" if place else inner
            if isinstance(node, CallNode):
                walk(node.graph, own, where)
            else:
                found[own] = where

    walk(graph, "", "")
    return found
