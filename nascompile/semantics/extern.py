"""Layers whose computation an installed package provides: found by entry point, never by a path in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nascompile.diagnostics import Diagnostic, Label, did_you_mean
from nascompile.source import Span

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

GROUP = "nascompile.layers"
"""The entry-point group in which packages register layers: `name = "package.module:Class"`."""


def extern_entry(name: str) -> EntryPoint | None:
    """The entry point that `layer ... extern "NAME"` means: by its name, or by its `package.module:Class`.

    Nothing is imported: a text can only reach what somebody installed and registered.
    """
    registered = _registered()
    return next((e for e in registered if name in (e.name, e.value)), None)


def missing_extern(layer: str, name: str, span: Span, *, is_needed: bool) -> Diagnostic:
    """What to say when no installed package provides an extern layer; a warning where it is not needed to go on."""
    known = [e.name for e in _registered()]
    hint = did_you_mean(name, known) or f"install the package that registers it in the entry-point group `{GROUP}`"
    message = f"the layer `{layer}` is computed by `{name}`, which no installed package provides"
    return Diagnostic("missing-extern", message, Label(span), (), hint, severity="error" if is_needed else "warning")


def _registered() -> EntryPoints:
    """Looked up where a text needs it: the look-up's module takes longer to import than a text to check."""
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)
