"""The tables that checking reads repeat what training has; here they are compared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from nascompile.config import tables
from nascompile.search.oneshot import temperature
from nascompile.train import losses, metrics, optimisers


def options(table: Mapping[str, Callable[..., Any]]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            p.name: p.default
            for p in inspect.signature(f).parameters.values()
            if p.kind is inspect.Parameter.KEYWORD_ONLY
        }
        for name, f in table.items()
    }


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (tables.LOSSES, losses.LOSSES),
        (tables.PAIR_LOSSES, losses.PAIR_LOSSES),
        (tables.OPTIMISERS, optimisers.OPTIMISERS),
        (tables.SCHEDULES, optimisers.SCHEDULES),
        (tables.TEMPERATURES, temperature.TEMPERATURES),
    ],
)
def test_names_options_and_defaults_are_those_of_the_training(
    ours: tables.Table, theirs: Mapping[str, Callable[..., Any]]
) -> None:
    assert ours == options(theirs)


def test_metrics_are_those_of_the_training() -> None:
    theirs = {
        name: tuple(kind for kind, f in (("segmentation", m.maps), ("classification", m.sets)) if f is not None)
        for name, m in metrics.METRICS.items()
    }
    assert theirs == tables.METRICS
