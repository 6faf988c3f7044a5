"""Which layer of a network goes on which tiles of a device, and in which form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from nascompile.analog.device import Device
from nascompile.analog.module_names import module_name
from nascompile.diagnostics import error
from nascompile.ir.program import LayerNode, Program, TensorType
from nascompile.ir.symbols import Sym
from nascompile.passes.pipelines import FIXED, run
from nascompile.semantics.arithmetic import product

FORMS = ("matrix", "unfold", "overlap_add", "block_diagonal", "digital")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the multiply-accumulates of a layer happen, and how often, for one image.

    `path` is the name of the layer's module in the network that `backends.pytorch.build` makes, and the prefix of its
    weights. `form`: a `matrix` on tiles as it is; a convolution of one or three dimensions that is computed on
    `unfold`ed patches; a transposed convolution whose products are added up where they overlap (`overlap_add`); groups
    of a convolution or transposed convolution side by side on the diagonals of tiles (`block_diagonal`); or `digital`,
    with the `reason`.

    `inputs` and `outputs` are the sizes of the whole matrix; of a block-diagonal form those of one group, of which
    `packs` says how many are on each diagonal (one tile, or the tiles of one group that is larger than a tile). `tiles`
    are the rows and columns of every tile that are in use, pieces of inputs outermost. `utilisation` is the share of
    the tiles' cells that hold a weight. `uses` counts the matrix-vector products of every tile, `macs` the
    multiply-accumulates, `sums` the additions of partial results for one product of the whole layer.
    """

    path: str
    layer: str
    form: str
    reason: str
    inputs: int
    outputs: int
    tiles: tuple[tuple[int, int], ...]
    utilisation: float
    macs: int
    uses: int
    packs: tuple[int, ...] = ()
    sums: int = 0

    @property
    def is_analog(self) -> bool:
        """Whether it is on tiles."""
        return self.form != "digital"

    @property
    def weights(self) -> int:
        """Weights that are programmed; each is a pair of cells or a single one."""
        return self.inputs * self.outputs * (sum(self.packs) if self.packs else 1) if self.is_analog else 0


def mapping_of(program: Program, device: Device) -> tuple[Placement, ...]:
    """Every layer that multiplies and accumulates, in the order in which the compiled network runs them.

    A layer that runs several times (`module`) is there once, with all of its uses. Raises NasError
    (`missing-genotype`) for a space with decisions.
    """
    graph = run(program.graph, FIXED)
    found: dict[str, Placement] = {}
    for node in graph.nodes:
        if not isinstance(node, LayerNode) or isinstance(node.macs, Sym):
            hint = "name a genotype of it"
            raise error("missing-genotype", f"`{program.name}` is a space of many networks", hint=hint)
        if not node.macs:
            continue
        placement = _placement(node, graph.types[node.inputs[0]], graph.types[node.outputs[0]], device)
        earlier = found.get(placement.path)
        if earlier is not None:
            uses, macs = earlier.uses + placement.uses, earlier.macs + placement.macs
            placement = replace(earlier, uses=uses, macs=macs)
        found[placement.path] = placement
    return tuple(found.values())


def split_sizes(size: int, most: int) -> tuple[int, ...]:
    """Nearly equal pieces of at most `most`, larger ones first: 257 in pieces of 256 is (129, 128).

    As aihwkit's `TileModuleArray` splits matrices; 0 is no limit, as there.
    """
    pieces = -(-size // most) if most else 1
    base, more = divmod(size, pieces)
    return tuple(base + (i < more) for i in range(pieces))


def packed_groups(groups: int, inputs: int, outputs: int, tile: tuple[int, int]) -> tuple[int, ...]:
    """How many groups, each a matrix of `inputs` by `outputs`, go on the diagonal of each tile; nearly equally many.

    Groups larger than a tile are alone, and split like any matrix.
    """
    fit = min(tile[0] // inputs, tile[1] // outputs)
    return split_sizes(groups, max(fit, 1))


def _placement(node: LayerNode, source: TensorType, result: TensorType, device: Device) -> Placement:
    path, macs = module_name(node.path), int(node.macs)
    weight = next((w for w in node.weights if w.name == "w"), None)
    reason = _reason(node)
    if reason or weight is None:
        return _digital(path, node.layer, reason or "its weights are no matrix", macs)
    shape = tuple(int(n) for n in weight.shape)  # type: ignore[arg-type]
    groups = int(node.attrs.get("groups", 1))
    if node.layer == "conv_transpose":
        form, inputs, outputs = "overlap_add", shape[0] // groups, prod(shape[1:])
    else:
        form, inputs, outputs = "matrix", prod(shape[1:]), shape[0] // groups
        if node.layer == "conv" and len(source.spatial) != 2:
            form = "unfold"
    positions = source.spatial if node.layer == "conv_transpose" else result.spatial
    uses = int(product(positions))
    packs: tuple[int, ...] = ()
    if groups > 1:
        form, packs = "block_diagonal", packed_groups(groups, inputs, outputs, device.tile)
    tiles, sums = _tiles(inputs, outputs, packs, device.tile)
    utilisation = inputs * outputs * groups / (len(tiles) * device.tile[0] * device.tile[1])
    if utilisation < device.least_utilisation:
        reason = f"it would use {utilisation:.2%} of its tiles, below {device.least_utilisation:.2%}"
        return _digital(path, node.layer, reason, macs)
    return Placement(path, node.layer, form, "", inputs, outputs, tiles, utilisation, macs, uses, packs, sums)


def _reason(node: LayerNode) -> str:
    """Why a layer cannot be on tiles; empty if it can."""
    if node.extern is not None:
        return "what it computes is not known: the layer is of another package"
    if node.layer == "angular_linear":
        return "it normalises its weights and needs the length of its input"
    if node.layer not in ("conv", "conv_transpose", "linear"):
        return f"there is no form for `{node.layer}`"
    return ""


def _digital(path: str, layer: str, reason: str, macs: int) -> Placement:
    return Placement(path, layer, "digital", reason, 0, 0, (), 0.0, macs, 0)


def _tiles(
    inputs: int, outputs: int, packs: tuple[int, ...], most: tuple[int, int]
) -> tuple[tuple[tuple[int, int], ...], int]:
    """Rows and columns of every tile, and the additions of partial results for one product."""
    tiles: list[tuple[int, int]] = []
    sums = 0
    for groups in packs or (1,):
        rows, columns = split_sizes(inputs * groups, most[0]), split_sizes(outputs * groups, most[1])
        tiles += [(r, c) for r in rows for c in columns]
        sums += (len(rows) - 1) * outputs * groups
    return tuple(tiles), sums
