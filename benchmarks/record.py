"""Result files of the benchmarks: JSON with the machine they were measured on, replaced in one step."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

from nascompile.jobs.calibration import processor


def fingerprint() -> dict[str, Any]:
    """What a number depends on: processor, cores, threads, operating system, versions."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "mkldnn": torch.backends.mkldnn.is_available(),
    }


def read(path: Path) -> Any:
    """The stored results, or None when there are none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def write(path: Path, results: Any) -> None:
    """Write to a temporary name, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
