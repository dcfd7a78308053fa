"""An exponential moving mean of the weights, which often tests better than the weights do."""

# torch keeps its operations on lists of tensors under private names, and documents them.
# pyright: reportPrivateImportUsage=false

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


class MovingMean:
    """mean = decay * mean + (1 - decay) * weight, after every iteration.

    The decay of iteration i, counted from 0, is at most (1 + i) / (10 + i), so that the first
    weights, which are random, are soon forgotten.

    Attributes:
        means: A tensor per weight.
    """

    def __init__(self, weights: Sequence[Tensor], decay: float) -> None:
        """Start with the weights as they are."""
        self.weights = list(weights)
        self.decay = decay
        self.means = [weight.detach().clone() for weight in weights]

    @torch.no_grad()
    def update(self, iteration: int) -> None:
        """Take the weights after an iteration into account."""
        decay = min(self.decay, (1 + iteration) / (10 + iteration))
        torch._foreach_lerp_(self.means, self.weights, 1 - decay)

    @contextmanager
    def in_place(self) -> Generator[None]:
        """Let the weights hold their means within the block."""
        with torch.no_grad():
            kept = [weight.clone() for weight in self.weights]
            torch._foreach_copy_(self.weights, self.means)
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self.weights, kept)
