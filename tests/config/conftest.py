"""Small texts with one task and one search."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nascompile.compilation import Compilation
from nascompile.config.settings import from_argument

TEXT = """\
nas 1
import std.layers

ops choices(c) = conv: conv(c, 3) | pool: max_pool(3, stride = 1, padding = 1)
space tiny(x: image = [1, 16, 16]; classes = 3, c = 4, mode: nearest | linear = nearest) {
  a = x -> conv(c, 3) -> relu
  b = a -> pick one of choices(c)
  b -> conv(classes, 1)
}

task cells {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [32, 32]
  augment = [flip, intensity_shift(0.2)]
}

search first : tiny(c = 6) on cells {
  strategy = bilevel(warmup = 2 epochs)
  weights  = sgd(lr = 0.1, schedule = cosine(min = 1e-3))
  loss     = dice_ce(squared = true)
  budget   = 20 epochs
  stage train {
    budget = 5 epochs
  }
}
"""


@pytest.fixture
def compiled(demo: Path) -> Callable[..., Compilation]:
    """The text above, with a replacement and settings."""

    def make(old: str = "", new: str = "", *settings: str) -> Compilation:
        assert old in TEXT
        text = TEXT.replace(old, new) if old else TEXT
        return Compilation.from_text(text, "spec.nas", demo, [from_argument(s) for s in settings])

    return make
