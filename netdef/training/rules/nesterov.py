"""Nesterov's accelerated gradient."""

# torch keeps its operations on lists of tensors under private names, and documents them.
# pyright: reportPrivateImportUsage=false

import torch
from torch import Tensor

from netdef.training.rules.update_rule import Group, UpdateRule


class Nesterov(UpdateRule):
    """h' = momentum * h + rate * gradient; w = w - (1 + momentum) * h' + momentum * h.

    Sutskever et al., On the importance of initialization and momentum in deep learning, 2013.
    """

    def move(self, group: Group, gradients: list[Tensor], rate: float, iteration: int) -> None:
        """Update one group."""
        del iteration
        (history,) = group.histories
        momentum = self.solver.momentum
        torch._foreach_add_(group.params, history, alpha=momentum)
        torch._foreach_mul_(history, momentum)
        torch._foreach_add_(history, gradients, alpha=rate)
        torch._foreach_sub_(group.params, history, alpha=1 + momentum)
