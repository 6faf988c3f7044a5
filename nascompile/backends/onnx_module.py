"""An exported model in the place of a torch network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from nascompile.backends.onnx import INPUT, session
from nascompile.diagnostics import error


class OnnxNetwork(torch.nn.Module):
    """ONNX Runtime behind a module: `(batch, channels, *sizes)` to a tensor, or a tuple of several outputs.

    `metadata` is what the file says of itself. Raises NasError (`missing-file`, `unreadable-model`).
    """

    def __init__(self, path: Path, threads: int | None = None):
        super().__init__()
        if not path.is_file():
            raise error("missing-file", f"there is no model `{path}`")
        try:
            self.session: Any = session(str(path), threads)
        except Exception as cause:  # the runtime has no common type for what it refuses
            reason = next((line for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
            raise error("unreadable-model", f"`{path}` cannot be read: {reason}", hint="export it again") from cause
        self.metadata: dict[str, str] = dict(self.session.get_modelmeta().custom_metadata_map)
        self.output_names = tuple(output.name for output in self.session.get_outputs())
        self.sizes: tuple[Any, ...] = tuple(self.session.get_inputs()[0].shape)

    def forward(self, x: torch.Tensor) -> Any:
        """The runtime takes one batch at a time if the file's batch is fixed."""
        images = x.detach().cpu().float().numpy()
        batch = self.sizes[0]
        parts = [images] if not isinstance(batch, int) or batch == len(images) else list(np.split(images, len(images)))
        found = [self.session.run(None, {INPUT: part}) for part in parts]
        outputs = [torch.from_numpy(np.concatenate(column)) for column in zip(*found, strict=True)]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)
