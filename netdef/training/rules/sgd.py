"""Stochastic gradient descent with momentum."""

# torch keeps its operations on lists of tensors under private names, and documents them.
# pyright: reportPrivateImportUsage=false

import torch
from torch import Tensor

from netdef.training.rules.update_rule import Group, UpdateRule


class SGD(UpdateRule):
    """h = momentum * h + rate * gradient; w = w - h."""

    def move(self, group: Group, gradients: list[Tensor], rate: float, iteration: int) -> None:
        """Update one group."""
        del iteration
        (history,) = group.histories
        torch._foreach_mul_(history, self.solver.momentum)
        torch._foreach_add_(history, gradients, alpha=rate)
        torch._foreach_sub_(group.params, history)
