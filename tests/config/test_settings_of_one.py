"""Settings in a text with two searches change the one that is named."""

from __future__ import annotations

from pathlib import Path

from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument
from nascompile.train.budget import Budget

TWO = """\
nas 1
import std.layers
space net(x: image = [1, 16, 16]; c = 4, classes = 2) {
  w = pick one of [c, 2 * c]
  x -> conv(w, 3) -> conv(classes, 1)
}
space wide(x: image = [1, 16, 16]; c = 4, classes = 2) {
  require c < 8
  x -> conv(pick one of [c, 2 * c] as w, 3) -> conv(classes, 1)
}
task cells {
  data  = pairs("nuclei", image = "a/*.png", label = "b/*.png")
  patch = [16, 16]
}
search first : net on cells {
  strategy = random
  budget   = 3 trials
}
search second : wide on cells {
  strategy = random
  budget   = 5 trials
  stage trial { budget = 7 steps }
}
"""


def compiled(chosen: str | None, *settings: str) -> Compilation:
    text = Compilation.from_text(TWO, settings=tuple(from_argument(s) for s in settings))
    return Compilation(text.source, Path(), Path(), text.settings, None, chosen)


def test_the_other_search_keeps_its_fields() -> None:
    text = compiled("first", "budget=9 trials", "c=16")
    assert text.check() == [], "the second search, or its space, got the settings"
    assert text.search("first").budget == Budget(9, "trials")
    assert text.search("first").space.arguments["c"] == 16
    assert text.search("second").budget == Budget(5, "trials")


def test_a_field_that_only_one_search_has_is_no_mistake_of_the_other() -> None:
    assert compiled("second", "trial.budget=2 steps").check() == []
    assert {d.code for d in compiled("first", "trial.budget=2 steps").check()} == {"unknown-setting"}


def test_without_a_name_settings_are_for_all() -> None:
    text = compiled(None, "budget=9 trials", "seed=3")
    assert [text.search(name).budget.amount for name in ("first", "second")] == [9, 9]
    assert [text.search(name).seed for name in ("first", "second")] == [3, 3]
    assert "requirement" in {d.code for d in compiled(None, "c=16").check()}
