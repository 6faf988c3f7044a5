"""Which tile back ends of the installed aihwkit compute what they should here."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

import torch

from nascompile.diagnostics import NasError, error

INSTALL = "make analog, or: pip install --no-deps aihwkit (docs/dependencies.md says which version for which Python)"


def require_aihwkit() -> None:
    """Raises NasError `missing-package` where aihwkit is not installed or does not import."""
    if importlib.util.find_spec("aihwkit") is None:
        raise error("missing-package", "`aihwkit` is not installed", hint=INSTALL)
    try:
        import aihwkit.simulator.configs
    except ImportError as failure:
        raise error("missing-package", f"`aihwkit` does not import: {failure}", hint=INSTALL) from None
    assert aihwkit.simulator.configs


@cache
def tile_backends() -> dict[str, str]:
    """The back ends by name; the text says what is wrong with one, empty for one that works.

    `torch` computes a tile in Python, `cpp` in aihwkit's own library, which is compiled against one version of torch.
    Raises NasError `missing-package` without aihwkit.
    """
    require_aihwkit()
    return {"torch": _problem(_torch_product), "cpp": _problem(_cpp_product)}


def require_tiles(name: str) -> None:
    """Raises NasError: `unknown-tiles` for a name that is no back end, `broken-tiles` for one that fails its test."""
    found = tile_backends()
    if name not in found:
        raise error("unknown-tiles", f"there are no `{name}` tiles", hint=f"there are {', '.join(found)}")
    if found[name]:
        hint = "use `--tiles torch`, or install an aihwkit that was built against this torch"
        raise error("broken-tiles", f"`{name}` tiles do not work here: {found[name]}", hint=hint)


def _problem(product: Any) -> str:
    """What is wrong with a function that multiplies `x` (batch, inputs) by `w` (outputs, inputs) on a perfect tile."""
    generator = torch.Generator().manual_seed(0)
    w, x = torch.randn(5, 7, generator=generator), torch.randn(3, 7, generator=generator)
    try:
        found = product(w, x)
    except NasError:
        raise
    except Exception as failure:  # aihwkit and pybind raise many kinds
        return str(failure).strip().splitlines()[0] if str(failure).strip() else type(failure).__name__
    expected = x @ w.T
    if found.shape != expected.shape or not torch.allclose(found, expected, rtol=1e-5, atol=1e-5):
        return "a product on a perfect tile is wrong"
    return ""


def _torch_product(w: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    from aihwkit.simulator.configs import TorchInferenceRPUConfig

    return _product(TorchInferenceRPUConfig(), w, x)


def _cpp_product(w: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    from aihwkit.simulator.configs import InferenceRPUConfig

    return _product(InferenceRPUConfig(), w, x)


def _product(config: Any, w: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    config.forward.is_perfect = True
    config.noise_model = None
    config.drift_compensation = None
    with torch.random.fork_rng(devices=[]):
        tile = config.tile_class(w.shape[0], w.shape[1], config, bias=False)
        tile.set_weights(w)
        tile.eval()
        with torch.no_grad():
            product: torch.Tensor = tile(x)
    return product
