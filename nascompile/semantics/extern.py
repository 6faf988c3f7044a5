"""Layers whose computation an installed package provides: found by entry point, never by a path in a text."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from nascompile.diagnostics import Diagnostic, Label, did_you_mean
from nascompile.source import Span

GROUP = "nascompile.layers"
"""The entry-point group in which packages register layers: `name = "package.module:Class"`."""


def extern_entry(name: str) -> EntryPoint | None:
    """The entry point that `layer ... extern "NAME"` means: by its name, or by its `package.module:Class`.

    Nothing is imported: a text can only reach what somebody installed and registered.
    """
    registered = entry_points(group=GROUP)
    return next((e for e in registered if name in (e.name, e.value)), None)


def missing_extern(layer: str, name: str, span: Span, *, is_needed: bool) -> Diagnostic:
    """What to say when no installed package provides an extern layer; a warning where it is not needed to go on."""
    known = [e.name for e in entry_points(group=GROUP)]
    hint = did_you_mean(name, known) or f"install the package that registers it in the entry-point group `{GROUP}`"
    message = f"the layer `{layer}` is computed by `{name}`, which no installed package provides"
    return Diagnostic("missing-extern", message, Label(span), (), hint, severity="error" if is_needed else "warning")
