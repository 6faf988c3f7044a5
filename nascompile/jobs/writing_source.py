"""Writing a network as Python source with its weights beside it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

from nascompile import __version__
from nascompile.backends.pytorch import Network
from nascompile.backends.source.write import write_source
from nascompile.files import write_text
from nascompile.jobs.folder import FOUND
from nascompile.jobs.networks import save_weights
from nascompile.jobs.target import Target
from nascompile.profile.cost import cost_of


@dataclass(frozen=True, slots=True)
class Written:
    """The two files of a network as source."""

    source: Path
    weights: Path
    lines: int


def write_python(target: Target, network: Network, path: Path) -> Written:
    """Write `path` and, with the same name, its `.safetensors`. Raises NasError `unsupported-layer`; nothing is
    written then. The weights are in place before the source that reads them."""
    weights = path.with_suffix(".safetensors")
    source = write_source(target.program, title=_title(target), origin=_origin(target), weights=weights.name)
    genotype = "" if target.genotype is None else target.genotype.to_text(FOUND, header=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights(weights, source.state(network.state_dict()), {"digest": target.digest, "genotype": genotype})
    write_text(path, source.text)
    return Written(path, weights, source.text.count("\n"))


def _title(target: Target) -> str:
    return textwrap.shorten(f"{target.name}: a network of the space `{target.program.name}`.", 84, placeholder=" ...")


def _origin(target: Target) -> tuple[str, ...]:
    """What a reader should know: sizes, where it came from, and the genotype."""
    cost = cost_of(target.program)
    shape = " x ".join(map(str, target.input))
    lines = [
        "",
        f"{cost.live:,} parameters; {cost.macs:,} multiply-accumulates for one image of {shape}.",
        f"Written by nascompile {__version__} from the text {target.digest[:16] or 'without a search'}.",
        "For research, not a medical device.",
    ]
    if target.genotype is not None:
        lines += ["", *target.genotype.to_text(FOUND, header=False).strip().splitlines()]
    # A backslash or three quotes would end the docstring.
    return tuple(line.rstrip().replace("\\", "/").replace('"""', "'''") for line in lines)
