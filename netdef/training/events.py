"""What a solver tells while it works."""

from dataclasses import dataclass
from pathlib import Path

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
        gradient_norm: L2 norm of all gradients together, before clipping; None if not asked for.
    """

    iteration: int
    max_iter: int
    loss: float
    rate: float
    outputs: Scores
    done: int
    images: int
    seconds: float
    gradient_norm: float | None = None


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

    @property
    def objective(self) -> float | None:
        """The objective: loss weight times output, over all; None if a loss is no output."""
        if not self.loss_weights.keys() <= self.scores.keys() or not self.loss_weights:
            return None
        return sum(weight * sum(self.scores[name]) for name, weight in self.loss_weights.items())


class Listener:
    """Someone who is told; a subclass overrides what it wants to hear."""

    def progress(self, progress: Progress) -> None:
        """An iteration is to be displayed."""

    def tick(self, iteration: int) -> None:
        """An iteration is done; called each time, so it must cost next to nothing."""

    def tested(self, result: Evaluation) -> None:
        """A test net was tested."""

    def snapshotted(self, weights: Path, state: Path) -> None:
        """A snapshot was written."""

    def debugged(self, iteration: int, lines: list[str]) -> None:
        """A pass was made whose magnitudes `debug_info` asks for."""

    def noticed(self, text: str) -> None:
        """Something happened that people should know."""
