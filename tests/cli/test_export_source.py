"""`nascompile export --python`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from nascompile.cli.app import app
from nascompile.resources import resource


def test_source_runs_where_only_torch_is(tmp_path: Path) -> None:
    spec, out = resource("specs/genotypes/nas_unet.nas"), tmp_path / "net.py"
    done = CliRunner().invoke(app, ["export", str(spec), "--genotype", "NASUNET", "--python", str(out)])
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.py", "net.safetensors"]
    code = (
        "import sys; sys.modules['nascompile'] = sys.modules['monai'] = sys.modules['safetensors'] = None\n"
        "import torch, net\n"
        "print(net.load()(torch.zeros(1, 1, 64, 64)).shape)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert ran.stdout.strip() == "torch.Size([1, 2, 64, 64])", ran.stderr


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    spec = resource("specs/genotypes/nas_unet.nas")
    done = CliRunner().invoke(app, ["export", str(spec), "--genotype", "NASUNET", "--python", str(tmp_path / "net")])
    assert done.exit_code == 1
    assert "is no Python file" in done.output
    assert not list(tmp_path.iterdir())
