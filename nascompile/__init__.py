"""nascompile: a compiler for neural architecture search.

The public names are listed in `_PUBLIC` and imported when first used, so that `import nascompile` stays cheap
(no torch, no parser).
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

# name -> module that defines it; adding a row is a decision, noted in README.md.
_PUBLIC: dict[str, str] = {
    "Compilation": "nascompile.compilation",
    "Cost": "nascompile.profile.cost",
    "Diagnostic": "nascompile.diagnostics",
    "Genotype": "nascompile.space.genotype",
    "NasError": "nascompile.diagnostics",
    "SearchSpace": "nascompile.space.space",
    "Source": "nascompile.source",
    "Span": "nascompile.source",
    "build": "nascompile.backends.pytorch",
    "build_supernet": "nascompile.backends.supernet",
    "cost_of": "nascompile.profile.cost",
}


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
