"""The table of a run: every network that was compared, with its scores and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from nascompile.profile.cost import Cost
from nascompile.train.evaluate import Evaluation


@dataclass(frozen=True, slots=True)
class Entry:
    """One compared network: what it is called, its evaluation, its costs (None for what is no network)."""

    name: str
    evaluation: Evaluation
    cost: Cost | None = None
    steps: int = 0
    latency: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    remark: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain data for `results.json`."""
        cost = self.cost
        return {
            "name": self.name,
            "remark": self.remark,
            "steps": self.steps,
            "parameters": None if cost is None else cost.live,
            "macs": None if cost is None else cost.macs,
            "latency": {key: dict(value) for key, value in self.latency.items()},
            "evaluation": self.evaluation.as_json(),
        }


def table(entries: Sequence[Mapping[str, Any]], metric: str) -> tuple[list[str], list[list[str]]]:
    """Columns and rows for the terminal, from what `Entry.as_json` gave."""
    classes = list(dict.fromkeys(c for e in entries for c in _summary(e, metric).get("per_class", {})))
    runtimes = list(dict.fromkeys(name for e in entries for name in e["latency"]))
    parts = list(dict.fromkeys(name for e in entries for name in e["evaluation"].get("parts", {})))
    columns = ["network", metric, "95 %", *classes, *parts, "parameters", "MACs", *(f"ms {name}" for name in runtimes)]
    rows = []
    for entry in entries:
        summary = _summary(entry, metric)
        rows.append(
            [
                entry["name"],
                _number(summary.get("value")),
                f"{_number(summary.get('low'))} .. {_number(summary.get('high'))}",
                *(_number(summary.get("per_class", {}).get(name)) for name in classes),
                *(_number(_of_part(entry, name, metric)) for name in parts),
                "" if entry["parameters"] is None else f"{entry['parameters']:,}",
                "" if entry["macs"] is None else f"{entry['macs']:,}",
                *(_number(entry["latency"].get(name, {}).get("median_ms"), 2) for name in runtimes),
            ]
        )
    return columns, rows


def _summary(entry: Mapping[str, Any], metric: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = entry["evaluation"]["summaries"].get(metric, {})
    return found


def _of_part(entry: Mapping[str, Any], part: str, metric: str) -> float | None:
    value: float | None = entry["evaluation"].get("parts", {}).get(part, {}).get(metric, {}).get("value")
    return value


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"
