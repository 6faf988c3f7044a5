"""Writing a network as ONNX, with what it is in the file's metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from nascompile import __version__
from nascompile.backends.onnx import OnnxModel, export, session, write
from nascompile.jobs.folder import FOUND
from nascompile.profile.latency import Latency, session_latency
from nascompile.space.genotype import Genotype


@dataclass(frozen=True, slots=True)
class Exported:
    """A written file: how well it agrees with torch, and its latency in ONNX Runtime."""

    path: Path
    model: OnnxModel
    latency: Latency


def export_network(
    network: torch.nn.Module,
    input: tuple[int, ...],
    outputs: Sequence[str],
    path: Path,
    *,
    digest: str,
    genotype: Genotype | None,
    seconds: float = 1.0,
) -> Exported:
    """Export, compare, then write. Raises NasError as `backends.onnx.export`; nothing is written then."""
    metadata = {
        "nascompile": __version__,
        "spec": digest,
        "genotype": "" if genotype is None else genotype.to_text(FOUND, header=False),
        "notice": "for research, not a medical device",
    }
    model = export(network, input, outputs, metadata)
    write(path, model)
    threads = torch.get_num_threads()
    return Exported(path, model, session_latency(session(model.data, threads), input, threads, seconds=seconds))
