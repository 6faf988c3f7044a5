"""Numbers of a residual net by name: AnalogNAS (Benmeziane et al., arXiv 2305.10459) and NAS-SegNet, a dictionary.

`{'out_channel0': 32, 'M': 2, 'R1': 3, ..., 'convblock1': 1, 'widenfact1': 0.6, 'B1': 2, ...}`: `M` groups, of which
group `g` has `Rg` blocks of `Bg` branches. Numbers of further groups and `convblockg` do nothing in the authors' code.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from typing import Any

from nascompile.diagnostics import did_you_mean
from nascompile.importers.finding import Findings, Format, Found, Placed
from nascompile.importers.values import Mapping, Scalar, Value, head, whole
from nascompile.space.space import SearchSpace

WIDTH, COUNT = "out_channel0", "M"
# The original's keys, and ours.
ONCE = {WIDTH: "out_channel0", COUNT: "m"}
EACH = {"R": "r[{group}]", "B": "b[{group}]", "widenfact": "wide[{group}]"}
# The largest numbers that the authors' code draws; it declares one more of each.
DRAWN = {"R": 15, "B": 4, COUNT: 4}


def _items(value: Value) -> Mapping | None:
    return value if isinstance(value, Mapping) and WIDTH in value.items and COUNT in value.items else None


def _matches(value: Value) -> bool:
    return _items(value) is not None


def _groups(config: Mapping) -> int:
    return whole(config.items[COUNT]) or 0


def _arguments(found: Found, defaults: Table[str, Any]) -> dict[str, Any]:
    config = _items(found.value)
    assert config is not None
    numbers = [(DRAWN[COUNT], _groups(config))]
    for key, largest in DRAWN.items():
        numbers += [(largest, whole(config.items.get(f"{key}{g + 1}")) or 0) for g in range(min(_groups(config), 16))]
    return {"sampled": False} if any(number > largest for largest, number in numbers) else {}


def _values(found: Found, space: SearchSpace, findings: Findings) -> Placed:
    config = _items(found.value)
    assert config is not None
    placed: Placed = {}
    wanted = dict(ONCE)
    for g in range(min(_groups(config), 16)):
        wanted |= {f"{key}{g + 1}": path.format(group=g) for key, path in EACH.items()}
    for key, path in wanted.items():
        value = config.items.get(key)
        if value is None:
            findings.add("genotype-form", f"`{key}` is missing", head(config), did_you_mean(key, config.items))
        elif not isinstance(value, Scalar) or isinstance(value.value, bool | str | None):
            findings.add("genotype-form", f"`{key}` is a number", value.span)
        elif path not in space.decisions:
            message = f"`{space.name}` has no `{path}`, which is `{key}` here"
            findings.add("genotype-fit", message, config.keys[key])
        else:
            number = whole(value)
            placed[path] = (value.value if number is None else number, value.span)
    return placed


GROUPS = Format("analog-nas", "{'out_channel0': 32, 'M': 2, 'R1': 3, 'widenfact1': 0.6, 'B1': 2, ...}",
                _matches, _arguments, _values)  # fmt: skip
