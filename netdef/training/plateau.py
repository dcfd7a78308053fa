"""The policy that lowers the rate when the loss ceases to fall."""

from dataclasses import dataclass
from math import inf
from typing import Any


@dataclass
class Plateau:
    """Counts the steps of lr_policy plateau, as SSD's fork of Caffe has it.

    When the displayed loss (the mean of the last `average_loss`) has not been below its least value
    for `plateau_winsize` iterations, the rate is multiplied by `gamma`; each step has its own
    number of iterations, and after the last of them the rate stays.

    Attributes:
        steps: Steps taken.
        least: The least loss so far.
        since: The iteration of the last gain or step.
    """

    steps: int = 0
    least: float = inf
    since: int = 0

    def observe(self, solver: Any, iteration: int, loss: float) -> None:
        """Take the loss at the start of an iteration into account."""
        if loss < self.least:
            self.least, self.since = loss, iteration
        windows = solver.plateau_winsize
        if self.steps < len(windows) and iteration - self.since >= windows[self.steps]:
            self.steps += 1
            self.since = iteration
