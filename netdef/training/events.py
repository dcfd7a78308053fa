"""What a solver tells while it works."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Scores = dict[str, list[float]]
"""The mean of every element of every output, by blob name."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state after an iteration that is displayed.

    Attributes:
        iteration: Iterations done.
        max_iter: Iterations wanted.
        loss: Mean objective of the last `average_loss` iterations.
        rate: Learning rate of the last iteration.
        outputs: The net's outputs in the last pass.
        done: Iterations done in this process, of which `images` and `seconds` tell.
        images: Images (items of a batch) learned from.
        seconds: Time that learning took, without tests and snapshots.
    """

    iteration: int
    max_iter: int
    loss: float
    rate: float
    outputs: Scores
    done: int
    images: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of one test net.

    Attributes:
        iteration: Iterations done when it was tested.
        net: Number of the test net, from 0.
        scores: Its outputs, averaged over the test's batches.
        loss_weights: The weight of each output in the objective, where it has one.
    """

    iteration: int
    net: int
    scores: Scores
    loss_weights: dict[str, float]


class Listener(Protocol):
    """Someone who is told. Every method may be empty."""

    def progress(self, progress: Progress) -> None:
        """An iteration is to be displayed."""

    def tick(self, iteration: int) -> None:
        """An iteration is done; called each time, so it must cost next to nothing."""

    def tested(self, result: Evaluation) -> None:
        """A test net was tested."""

    def snapshotted(self, weights: Path, state: Path) -> None:
        """A snapshot was written."""
