"""Named choices with options (losses, optimisers, schedules): a table row, its options, and diagnostics for typos."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from nascompile.diagnostics import did_you_mean, error
from nascompile.source import Span

T = TypeVar("T")


def choose(
    noun: str,
    table: Mapping[str, Callable[..., T]],
    name: str,
    options: Mapping[str, Any],
    span: Span | None = None,
) -> Callable[..., T]:
    """The function `table[name]` with its keyword options bound.

    Options are the keyword-only parameters of the function. Raises `NasError`: `unknown-<noun>` or `unknown-option`,
    each with the nearest name, and `bad-option` when an option's value is of the wrong type.
    """
    function = table.get(name)
    if function is None:
        hint = did_you_mean(name, table) or f"there are {', '.join(table)}"
        raise error(f"unknown-{noun}", f"there is no {noun} `{name}`", span, hint=hint)
    known = {p.name: p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY}
    for option, value in options.items():
        if option not in known:
            takes = f"it takes {', '.join(known)}" if known else "it takes no options"
            hint = did_you_mean(option, known) or takes
            raise error("unknown-option", f"the {noun} `{name}` has no option `{option}`", span, hint=hint)
        if not _fits(value, known[option].default):
            shown = known[option].default
            hint = f"the default is {shown!r}".lower()
            raise error("bad-option", f"`{option}` of the {noun} `{name}` cannot be {value!r}", span, hint=hint)
    return partial(function, **options)


def _fits(value: object, default: object) -> bool:
    """Whether a value can stand where the default stands; numbers for numbers, lists for tuples, anything for None."""
    if default is None or default is inspect.Parameter.empty:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, (int, float)):
        return isinstance(value, (int, float))
    if isinstance(default, tuple):
        return isinstance(value, (list, tuple))
    return isinstance(value, type(default))
