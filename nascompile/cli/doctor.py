"""`nascompile doctor`: versions, devices and back ends, and what to install for those that are missing."""

from __future__ import annotations

import json
import platform
import sys
from typing import Any

from nascompile import __version__
from nascompile.cli import options
from nascompile.cli.guard import guarded
from nascompile.diagnostics import NasError

# Distribution, and what is lost without it.
_PACKAGES = {
    "torch": "supernets, training",
    "monai": "data, losses, metrics",
    "simpleitk": "reading images",
    "optuna": "studies",
    "matplotlib": "curves and drawings",
    "onnx": "export to ONNX: pip install nascompile[onnx]",
    "onnxruntime": "measured latency: pip install nascompile[onnx]",
    "onnxscript": "export to ONNX: pip install nascompile[onnx]",
    "aihwkit": "simulated analog hardware: make analog",
}


@guarded
def doctor(json_: options.Json = False) -> None:
    """Print versions, devices and back ends."""
    found = findings()
    if json_:
        print(json.dumps(found, indent=1))
        return
    print(f"nascompile {found['nascompile']}, Python {found['python']}, {found['platform']}")
    print("\npackages")
    for name, version in found["packages"].items():
        print(f"  {name:<12} {version or 'missing: ' + _PACKAGES[name]}")
    print("\ndevices")
    for device in found["devices"]:
        print(f"  {device}")
    print("\nback ends")
    for name, state in found["back ends"].items():
        print(f"  {name:<12} {state}")


def findings() -> dict[str, Any]:
    """Versions and devices as plain data; imports torch if it is there."""
    from importlib.metadata import PackageNotFoundError, version

    packages: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = None
    return {
        "nascompile": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "executable": sys.executable,
        "packages": packages,
        "devices": _devices(),
        "back ends": {
            "pytorch": "ready" if packages["torch"] else "pip install torch",
            "onnx": "ready" if packages["onnx"] and packages["onnxscript"] else "pip install nascompile[onnx]",
            "onnxruntime": _providers() if packages["onnxruntime"] else "pip install nascompile[onnx]",
            **_tiles(packages["aihwkit"] is not None),
        },
    }


def _tiles(is_installed: bool) -> dict[str, str]:
    """The back ends of analog tiles, each with what its self-test found."""
    if not is_installed:
        return {"analog": "make analog"}
    from nascompile.backends.analog.selftest import tile_backends

    try:
        problems = tile_backends()
    except NasError as failure:
        return {"analog": failure.diagnostics[0].message}
    return {f"analog {name}": f"fails: {problem}" if problem else "ready" for name, problem in problems.items()}


def _devices() -> list[str]:
    import torch

    lines = [f"cpu: {platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(index)
        lines.append(f"cuda:{index}: {torch.cuda.get_device_name(index)}, {free >> 20} of {total >> 20} MiB free")
    return lines


def _providers() -> str:
    import onnxruntime

    return ", ".join(name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers())
