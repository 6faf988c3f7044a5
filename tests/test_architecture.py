"""Who may import whom: the table below is the architecture, and the walk over the sources keeps it true."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

# A row says which other top-level parts of `nascompile` a part may import; its own modules are always allowed.
FOUNDATION = {"source", "diagnostics", "files", "resources", "registry"}
LANGUAGE = FOUNDATION | {"syntax", "ir", "semantics"}
ANALYSIS = {"passes", "space", "profile", "analog"}
LEAVES = {"train", "data"}  # know nothing of the language
MAY_IMPORT: dict[str, set[str]] = {
    "source": set(),
    "diagnostics": {"source"},
    "files": {"source", "diagnostics"},
    "resources": FOUNDATION,
    "registry": FOUNDATION,
    "syntax": FOUNDATION,
    "ir": FOUNDATION,
    "semantics": FOUNDATION | {"syntax", "ir"},
    "passes": LANGUAGE,
    "space": LANGUAGE | {"passes"},
    "profile": LANGUAGE | {"passes", "space"},
    "analog": LANGUAGE | {"passes", "space", "profile"},
    "data": {"source", "diagnostics", "files"},
    "train": {"source", "diagnostics", "files", "data"},
    "objectives": LANGUAGE | ANALYSIS,
    "backends": LANGUAGE | ANALYSIS,
    "search": LANGUAGE | ANALYSIS | LEAVES | {"objectives"},
    "config": LANGUAGE | LEAVES | {"analog"},
    "runs": {"source", "diagnostics", "files"},
    "compilation": LANGUAGE | ANALYSIS | LEAVES | {"objectives", "backends", "search", "config"},
    "report": LANGUAGE | ANALYSIS | LEAVES | {"objectives", "backends", "search", "compilation", "config", "runs"},
    "jobs": LANGUAGE
    | ANALYSIS
    | LEAVES
    | {"objectives", "backends", "search", "compilation", "config", "runs", "report"},
    "cli": LANGUAGE
    | ANALYSIS
    | LEAVES
    | {"objectives", "backends", "search", "compilation", "config", "runs", "report", "jobs", "importers"},
    "importers": LANGUAGE | ANALYSIS | {"compilation", "config"},
    "testing": LANGUAGE | ANALYSIS | LEAVES | {"objectives", "backends", "search", "compilation"},
}
# What the command line may import before it knows the command; the other reports load Matplotlib and templates.
EAGER_REPORTS = {"nascompile.report.terminal", "nascompile.report.structured"}

# Packages that load torch, and the parts that may import them at module level. Others import inside of a function.
TORCH = ("torch", "monai", "aihwkit", "safetensors.torch")
MAY_LOAD_TORCH = (
    "nascompile.backends.",
    "nascompile.train.",
    "nascompile.data.",
    "nascompile.search.oneshot.",
    "nascompile.jobs.",
    "nascompile.profile.latency",
)
NEVER = ("torchvision",)

LONGEST_FILE = 400  # lines
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "manager"}


@dataclass(frozen=True, slots=True)
class Import:
    """`module` imports `target`; `eager` if that happens when `module` is imported."""

    module: str
    target: str
    line: int
    eager: bool


def imports_of(module: str, text: str, *, package: bool) -> Iterator[Import]:
    """Every import statement, those of a `from` with each imported name appended, relative ones resolved."""

    def walk(node: ast.AST, eager: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(module, alias.name, child.lineno, eager)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    parents = module.split(".")[: None if package and child.level == 1 else -child.level + package]
                    base = ".".join([*parents, *([base] if base else [])])
                for alias in child.names:
                    yield Import(module, f"{base}.{alias.name}", child.lineno, eager)
            else:
                inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, eager and not inner and not is_typing_guard(child))

    yield from walk(ast.parse(text), True)


def is_typing_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def within(target: str, packages: tuple[str, ...]) -> bool:
    return any(target == package or target.startswith(f"{package}.") for package in packages)


def broken_rules(found: Import) -> list[str]:
    """What the table above has against an import; empty if nothing."""
    broken = []
    place = f"{found.module}:{found.line} imports {found.target}"
    if within(found.target, NEVER):
        broken.append(f"{place}, which nothing may")
    if found.eager and within(found.target, TORCH) and not f"{found.module}.".startswith(MAY_LOAD_TORCH):
        broken.append(f"{place} at module level, which loads torch: import it in the function that needs it")
    if within(found.target, ("nascompile",)) and found.module != "nascompile":
        own, other = part(found.module), part(found.target)
        if own not in MAY_IMPORT:
            broken.append(f"{found.module}: `{own}` has no row in MAY_IMPORT")
        elif other in MAY_IMPORT and other != own and other not in MAY_IMPORT[own]:
            broken.append(f"{place}, but `{own}` may not know `{other}`")
        if own == "cli" and other == "report" and found.eager and not within(found.target, tuple(EAGER_REPORTS)):
            broken.append(f"{place} at module level: of the reports only {sorted(EAGER_REPORTS)} may be")
    return broken


def part(module: str) -> str:
    """`passes` of `nascompile.passes.fold_constants`; empty for `nascompile` itself."""
    return [*module.split("."), ""][1]


def modules(root: Path) -> dict[str, Path]:
    """Module name to file, of all of the package."""
    found = {}
    for path in sorted((root / "nascompile").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def all_imports(root: Path) -> list[Import]:
    return [
        found
        for module, path in modules(root).items()
        for found in imports_of(module, path.read_text(encoding="utf-8"), package=path.name == "__init__.py")
    ]


def test_imports_follow_the_table(root: Path) -> None:
    broken = [rule for found in all_imports(root) for rule in broken_rules(found)]
    assert not broken, "\n".join(broken)


def test_starting_the_command_line_reaches_no_module_that_loads_torch(root: Path) -> None:
    names = modules(root)
    eager: dict[str, list[Import]] = {}
    for found in all_imports(root):
        if found.eager:
            eager.setdefault(found.module, []).append(found)
    start = [name for name in names if name in ("nascompile", "nascompile.cli.app", "nascompile.compilation")]
    reached, queue = set(start), list(start)
    while queue:
        for found in eager.get(queue.pop(), []):
            assert not within(found.target, TORCH), f"{found.module}:{found.line} loads torch on every command"
            # `from package import name` may name a module or something in `package/__init__.py`.
            for target in (found.target, found.target.rpartition(".")[0]):
                if target in names and target not in reached:
                    reached.add(target)
                    queue.append(target)
    assert "nascompile" in reached


def test_importing_nascompile_loads_nothing_heavy(root: Path) -> None:
    heavy = "{'torch', 'monai', 'onnx', 'matplotlib', 'SimpleITK', 'optuna', 'numpy', 'lark', 'rich'}"
    code = f"import sys, nascompile; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", cwd=root, check=True
    )
    assert done.stdout.strip() == "[]"


def test_files_stay_short_and_have_telling_names(root: Path) -> None:
    for module, path in modules(root).items():
        assert module.rpartition(".")[2] not in VAGUE_NAMES, f"{module}: name it by what it holds"
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= LONGEST_FILE, f"{path.name} has {lines} lines: is there a noun to split it by?"


def test_the_table_has_no_cycle() -> None:
    """Also a check of the table itself: parts can be put in an order in which none knows a later one."""
    left = {name: row & set(MAY_IMPORT) - {name} for name, row in MAY_IMPORT.items() if name not in FOUNDATION}
    placed = set(FOUNDATION)
    while left:
        ready = {name for name, row in left.items() if row <= placed}
        assert ready, f"these know each other: {sorted(left)}"
        placed |= ready
        left = {name: row for name, row in left.items() if name not in ready}


@pytest.mark.parametrize(
    ("module", "text", "complaint"),
    [
        ("nascompile.ir.program", "from nascompile.syntax.nodes import Module", "`ir` may not know `syntax`"),
        ("nascompile.ir.program", "from nascompile import syntax", "`ir` may not know `syntax`"),
        ("nascompile.ir.program", "from ..syntax import nodes", "`ir` may not know `syntax`"),
        ("nascompile.ir.program", "def f():\n    import nascompile.cli.app", "`ir` may not know `cli`"),
        ("nascompile.train.loop", "from nascompile.ir.program import Program", "`train` may not know `ir`"),
        ("nascompile.space.space", "import torch", "loads torch"),
        ("nascompile.space.space", "if True:\n    from torch.nn import Module", "loads torch"),
        ("nascompile.cli.app", "import safetensors.torch", "loads torch"),
        ("nascompile.cli.report", "from nascompile.report import html", "of the reports only"),
        ("nascompile.backends.pytorch", "def f():\n    from torchvision import ops", "which nothing may"),
        ("nascompile.magic.wand", "import nascompile.source", "has no row"),
    ],
)
def test_a_forbidden_import_is_found(module: str, text: str, complaint: str) -> None:
    broken = [rule for found in imports_of(module, text, package=False) for rule in broken_rules(found)]
    assert len(broken) == 1
    assert complaint in broken[0]


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("nascompile.semantics.names", "from nascompile.syntax.nodes import Module"),
        ("nascompile.space.space", "def f():\n    import torch"),
        ("nascompile.space.space", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"),
        ("nascompile.backends.pytorch", "import torch"),
        ("nascompile.profile.latency_onnx", "import torch"),
        ("nascompile.cli.check", "from nascompile.report.terminal import show"),
        ("nascompile.cli.report", "def f():\n    from nascompile.report.html import page"),
        ("nascompile.cli.check", "from nascompile import __version__"),
    ],
)
def test_an_allowed_import_is_not(module: str, text: str) -> None:
    assert not [rule for found in imports_of(module, text, package=False) for rule in broken_rules(found)]
