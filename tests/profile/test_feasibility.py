"""Limits on costs that nothing, or everything, fulfils are told when a text is checked."""

from __future__ import annotations

import pytest

from nascompile.compilation import Compilation

TEXT = """nas 1
import std.layers
space net(x: image = [1, 16, 16]) {{
  n = pick one of [4, 8, 16]
  x -> conv(n, 3) -> conv(2, 1)
}}
task t {{ data = pairs("there", image = "a/*.png", label = "b/*.png") }}
search s : net on t {{
  strategy = random
  budget = 4 trials
  where {condition}
}}
"""


@pytest.mark.parametrize(
    ("condition", "code", "place", "hint"),
    [
        ("params < 44", "impossible-condition", "params < 44", "the least params of any genotype are 44"),
        ("params <= 44", None, "", ""),
        ("176 < params", "impossible-condition", "176 < params", "the most params of any genotype are 176"),
        ("params < 177", "idle-condition", "params < 177", "the most that any genotype has are 176 params"),
        ("params < 176", None, "", ""),
        ("params < 100 and params > 300", "impossible-condition", "params > 300", "176"),
        ("params < 100 or params > 300", None, "", ""),
    ],
)
def test_limits_at_both_ends(condition: str, code: str | None, place: str, hint: str) -> None:
    found = Compilation.from_text(TEXT.format(condition=condition)).check()
    assert [d.code for d in found] == ([] if code is None else [code])
    for diagnostic in found:
        assert diagnostic.primary is not None
        assert diagnostic.primary.span.text == place
        assert hint in (diagnostic.hint or "")
        assert (diagnostic.severity == "warning") == (code == "idle-condition")
