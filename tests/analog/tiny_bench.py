"""A small network on real images, with weights that were trained for a few steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from nascompile.compilation import Compilation
from nascompile.jobs.analog_step import plan_of_network, stage_of
from nascompile.jobs.analog_training import AnalogPlan
from nascompile.jobs.networks import make
from nascompile.jobs.programs import fixed_program
from nascompile.jobs.training import Data
from nascompile.runs import Run, create
from nascompile.train.progress import Report, silent

TEXT = """\
nas 1
import std.layers

ops choices(c) = conv: conv(c, 3, bias = true) | pool: max_pool(3, stride = 1, padding = 1)
space tiny(x: image = [1, 16, 16]; classes = 3, c = 4) {
  a = x -> conv(c, 3) -> batch_norm -> relu
  b = a -> pick one of choices(c) -> relu
  b -> conv(classes, 1, bias = true)
}
genotype one : tiny {
  b = conv
}
genotype other : tiny(c = 5) {
  b = conv
}

task cells {
  data    = pairs("nuclei", image = "images/*.png", label = "labels/*.png")
  split   = "splits.json"
  classes = [background, interior, boundary]
  patch   = [16, 16]
  augment = [flip]
}

search first : tiny on cells {
  budget = 3 steps
  batch  = 2
  weights = sgd(lr = 0.05)
  clip   = none
  stage analog {
    weights      = sgd(lr = 0.02, momentum = 0.9)
    budget       = 6 steps
    programmings = 2
    times        = [1 s, 1 month]
  }
}
"""

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Bench:
    """A text on real images, and a folder for runs."""

    text: Compilation
    data: Data
    folder: Path

    def plan(self, genotype: str = "one", device: str | None = None, **stage: Any) -> AnalogPlan:
        """A plan with initial weights; `stage` replaces fields of the text's."""
        made = self.text.genotype(genotype)
        program = fixed_program(self.text, made, self.data.task)
        weights = make(program, 0).state_dict()
        chosen = replace(stage_of(self.text, "first", device), **stage)
        digest = f"{self.text.digest_of()}/{made.digest()}/cells"
        return plan_of_network(self.text, program, made, self.data.task, weights, chosen, digest)

    def run(self, name: str) -> Run:
        return create(self.folder, name, note=None, record={})


@contextmanager
def quiet(title: str) -> Iterator[Report]:
    """No progress bar."""
    yield silent
