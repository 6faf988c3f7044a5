"""What a searched network is compared with."""

from __future__ import annotations

from pathlib import Path

import pytest

from nascompile.compilation import Compilation
from nascompile.diagnostics import NasError
from nascompile.jobs.contest import contestants
from nascompile.profile.cost import cost_of

TEXT = """nas 1
import nas_segnet
task nuclei {
  data = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  classes = [background, interior, boundary]
  channels = 3
  patch = [32, 32]
}
search small : nas_segnet on nuclei {
  strategy = random
  budget = 2 trials
  compare = [random(3)]
  where params < LIMIT
  stage trial { budget = 1 steps }
}
"""


def drawn(limit: str, demo: Path) -> list[int]:
    text = Compilation.from_text(TEXT.replace("LIMIT", limit), demo)
    config = text.search("small")
    task = text.task(search="small")
    first = text.space(config.space.name, input=(3, 32, 32)).unrank(0)
    return [cost_of(c.program).live for c in contestants(text, config, first, task, 0)[1:]]


def test_random_networks_fulfil_the_conditions_of_the_search(demo: Path) -> None:
    assert max(drawn("2G", demo)) > 200_000
    assert max(drawn("200k", demo)) < 200_000


def test_conditions_that_hardly_any_network_fulfils(demo: Path) -> None:
    with pytest.raises(NasError) as failure:
        drawn("100", demo)
    assert failure.value.diagnostics[0].code == "sampling-failed"
