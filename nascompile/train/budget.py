"""How long a run may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to train, or how many genotypes to try.

    Seconds count over all resumed parts; how many steps they hold depends on the machine.
    """

    amount: float
    unit: Literal["steps", "epochs", "seconds", "trials"] = "epochs"

    def progress(self, step: int, per_epoch: int, seconds: float) -> float:
        """The share that is used up."""
        used = {"steps": float(step), "trials": float(step), "epochs": step / per_epoch, "seconds": seconds}[self.unit]
        return used / self.amount
