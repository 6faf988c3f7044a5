"""Layers whose products run on tiles. Weights keep their digital names and shapes; tiles are loaded from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from nascompile.analog.device import Device, HardwareAware
from nascompile.backends.analog import grid
from nascompile.backends.analog.columns import Columns, Geometry, overlap_add
from nascompile.backends.analog.grid import Block, Loaded
from nascompile.backends.analog.periphery import Periphery
from nascompile.backends.analog.products import Scratch, product
from nascompile.backends.analog.ranges import InputRange

if TYPE_CHECKING:
    from nascompile.backends.analog.cpp import CppTiles


_LEAST_SCALE = 1e-3
"""Of columns of zeros in a layer of zeros."""


class AnalogLayer(nn.Module):
    """A layer on tiles. `weight` and `bias` are the digital layer's own and never noisy; the bias is added digitally.

    Nothing that is programmed or drifted is ever written into `weight`: `held` is what stands on the tiles, None
    while they are loaded from the clean weights for every product. `generator` draws the noise of products; torch's
    own does in training.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None
    tile_scales: Tensor | None

    def __init__(
        self, digital: nn.Module, blocks: tuple[Block, ...], device: Device, periphery: Periphery,
        training: HardwareAware | None,
    ):  # fmt: skip
        super().__init__()
        self.weight = digital.weight  # type: ignore[assignment]
        self.register_parameter("bias", getattr(digital, "bias", None))
        self.blocks = blocks
        self.periphery = periphery
        self.aware = training
        self.per_column = device.scaling == "per_column"
        self.held: list[Loaded] | None = None
        self.generator: torch.Generator | None = None
        self.scratch = Scratch()
        self.cpp: CppTiles | None = None  # what computes products in evaluation instead of torch
        self.input_range = InputRange.of(device)
        self.observing = False  # whether products widen the input range, digitally, instead of running on tiles
        self._settled = -1
        self.register_buffer("tile_scales", None)
        self.rescale()

    # The digital layer and its matrix: what the subclasses say.

    def digital(self, x: Tensor, weight: Tensor) -> Tensor:
        """The product as the digital layer computes it, without its bias."""
        raise TypeError(f"{type(self).__name__} has no digital form")

    def matrices(self, weight: Tensor) -> Tensor:
        """(groups, columns, rows) of a weight."""
        raise TypeError(f"{type(self).__name__} has no matrix")

    def weight_of(self, matrices: Tensor) -> Tensor:
        """The inverse of `matrices`."""
        raise TypeError(f"{type(self).__name__} has no matrix")

    def on_tiles(self, x: Tensor, loaded: Sequence[Loaded]) -> Tensor:
        """The product of an input with loaded tiles."""
        raise TypeError(f"{type(self).__name__} has no matrix")

    # Weights and tiles.

    def loaded(self) -> None:
        """Note that the weights have come from outside, where they were clipped if they ever are."""
        self._settled = self.weight._version

    @torch.no_grad()
    def rescale(self) -> None:
        """Take the scales of the tiles from the weights, for training that does not remap after every step."""
        if self.aware is not None and not self.aware.remap:
            self.tile_scales = None
            scales = torch.cat([held.scales.flatten() for held in self.load()])
            # A column of zeros is to learn too: 0, which silences its cells' noise, would silence it for ever.
            self.tile_scales = torch.where(scales == 0, scales.amax().clamp(min=_LEAST_SCALE), scales)

    @torch.no_grad()
    def load(self) -> list[Loaded]:
        """What the clean weights are on the tiles, without noise."""
        matrices = self.matrices(self.weight)
        shapes = [(len(block.row_parts), block.columns.stop - block.columns.start) for block in self.blocks]
        fixed: list[Tensor | None] = [None] * len(shapes)
        if self.tile_scales is not None:
            pieces = torch.split(self.tile_scales, [rows * columns for rows, columns in shapes])
            fixed = [piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)]
        return [
            grid.load(grid.diagonal(matrices[block.groups]), block, per_column=self.per_column, scales=scales)
            for block, scales in zip(self.blocks, fixed, strict=True)
        ]

    def effective(self, loaded: Sequence[Loaded]) -> Tensor:
        """The digital layer's weight that loaded tiles stand for."""
        parts = [
            grid.off_diagonal_removed(grid.unloaded(held, block), block.packed)
            for held, block in zip(loaded, self.blocks, strict=True)
        ]
        return self.weight_of(torch.cat(parts))

    @torch.no_grad()
    def settle(self) -> None:
        """Clip the weights as training asks, once after every change of them: no optimiser can leave it out."""
        if self.aware is None or self.aware.clip_sigma is None or self._settled == self.weight._version:
            return
        parts = []
        for held, block in zip(self.load(), self.blocks, strict=True):
            for tile, mask in zip(
                grid.tiles_of(held.weights, block), grid.tiles_of(grid.in_use(block), block), strict=True
            ):
                if int(mask.sum()) > 1:
                    bound = float(tile[mask].std()) * self.aware.clip_sigma
                    tile.clamp_(-bound, bound)
            parts.append(grid.off_diagonal_removed(grid.unloaded(held, block), block.packed))
        self.weight.copy_(self.weight_of(torch.cat(parts)))
        self._settled = self.weight._version

    def _noisy(self, loaded: Sequence[Loaded]) -> None:
        """Training noise on every tile, relative to its largest weight (aihwkit's ADD_NORMAL), in place."""
        assert self.aware is not None
        for held, block in zip(loaded, self.blocks, strict=True):
            for tile in grid.tiles_of(held.weights, block):
                tile.add_(torch.randn_like(tile) * tile.abs().amax(), alpha=self.aware.noise)

    # Products.

    def forward(self, x: Tensor) -> Tensor:
        """The digital layer's output, as the tiles give it; gradients are those of the digital layer on the weights
        that stand on the tiles (straight through converters and noise)."""
        if self.training:
            self.settle()
        elif self.observing and self.input_range is not None:
            self.input_range.observe(x)
            return self._with_bias(self.digital(x, self.weight), x)
        x = x if self.input_range is None else self.input_range.clip(x, update=self.training)
        with torch.no_grad():
            loaded = self.held
            if loaded is None:
                loaded = self.load()
                if self.training and self.aware is not None and self.aware.noise > 0:
                    self._noisy(loaded)
            limit = None if self.input_range is None else self.input_range.limit()
            value = self.on_tiles(x if limit is None else x / limit, loaded)
            if limit is not None:
                value.mul_(limit)
        if torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad):
            weight = self.weight + (self.effective(loaded) - self.weight).detach()
            value = _StraightThrough.apply(self.digital(x, weight), value)  # type: ignore[no-untyped-call]
        return self._with_bias(value, x)

    def _with_bias(self, value: Tensor, x: Tensor) -> Tensor:
        return value if self.bias is None else value + self.bias.view(-1, *(1,) * self.trailing(x))

    def trailing(self, x: Tensor) -> int:
        """Axes behind the channels."""
        return x.dim() - 2

    def product(self, columns: Columns, loaded: Sequence[Loaded]) -> Tensor:
        """The product of columns with loaded tiles: (batch, columns of all blocks, *sizes)."""
        generator, cpp = (None, None) if self.training else (self.generator, self.cpp)
        return product(columns, self.blocks, loaded, self.periphery, generator, self.scratch, cpp)


class AnalogLinear(AnalogLayer):
    """`nn.Linear` on tiles: any axes before the features."""

    def digital(self, x: Tensor, weight: Tensor) -> Tensor:
        return nn.functional.linear(x, weight)

    def matrices(self, weight: Tensor) -> Tensor:
        return weight[None]

    def weight_of(self, matrices: Tensor) -> Tensor:
        return matrices[0]

    def on_tiles(self, x: Tensor, loaded: Sequence[Loaded]) -> Tensor:
        return self.product(Columns(x.reshape(-1, x.shape[-1])), loaded).view(*x.shape[:-1], -1)

    def trailing(self, x: Tensor) -> int:
        return 0


class AnalogConvolution(AnalogLayer):
    """`nn.Conv1d`, `2d`, `3d` on tiles: a matrix product with unfolded input. Groups lie on diagonals of blocks."""

    def __init__(self, digital: Any, *rest: Any):
        self.geometry = Geometry(digital.kernel_size, digital.stride, digital.padding, digital.dilation)
        self.groups = digital.groups
        self.shape = tuple(digital.weight.shape)
        super().__init__(digital, *rest)

    def digital(self, x: Tensor, weight: Tensor) -> Tensor:
        g = self.geometry
        run: Any = (torch.conv1d, torch.conv2d, torch.conv3d)[len(g.kernel) - 1]
        result: Tensor = run(x, weight, None, g.stride, g.padding, g.dilation, self.groups)
        return result

    def matrices(self, weight: Tensor) -> Tensor:
        return weight.reshape(self.groups, self.shape[0] // self.groups, -1)

    def weight_of(self, matrices: Tensor) -> Tensor:
        return matrices.reshape(self.shape)

    def on_tiles(self, x: Tensor, loaded: Sequence[Loaded]) -> Tensor:
        return self.product(Columns(x, self.geometry), loaded)


class AnalogTransposed(AnalogLayer):
    """`nn.ConvTranspose1d`, `2d`, `3d` on tiles: a product at every position, kernels added where they overlap."""

    def __init__(self, digital: Any, *rest: Any):
        self.geometry = Geometry(
            digital.kernel_size, digital.stride, digital.padding, digital.dilation, digital.output_padding
        )
        self.groups = digital.groups
        self.shape = tuple(digital.weight.shape)
        super().__init__(digital, *rest)

    def digital(self, x: Tensor, weight: Tensor) -> Tensor:
        g = self.geometry
        run: Any = (torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d)[len(g.kernel) - 1]
        result: Tensor = run(x, weight, None, g.stride, g.padding, g.output_padding, self.groups, g.dilation)
        return result

    def matrices(self, weight: Tensor) -> Tensor:
        return weight.reshape(self.groups, self.shape[0] // self.groups, -1).transpose(1, 2)

    def weight_of(self, matrices: Tensor) -> Tensor:
        return matrices.transpose(1, 2).reshape(self.shape)

    def on_tiles(self, x: Tensor, loaded: Sequence[Loaded]) -> Tensor:
        return overlap_add(self.product(Columns(x), loaded), self.geometry)


class _StraightThrough(torch.autograd.Function):
    """The second input forward, the first one's gradient backward."""

    @staticmethod
    def forward(ctx: Any, linear: Tensor, value: Tensor) -> Tensor:
        return value

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Any, None]:
        return gradients[0], None
