"""AdaGrad."""

# torch keeps its operations on lists of tensors under private names, and documents them.
# pyright: reportPrivateImportUsage=false

import torch
from torch import Tensor

from netdef.training.rules.update_rule import Group, UpdateRule


class AdaGrad(UpdateRule):
    """h = h + gradient^2; w = w - rate * gradient / (sqrt(h) + delta).

    Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization, 2011.
    """

    def move(self, group: Group, gradients: list[Tensor], rate: float, iteration: int) -> None:
        """Update one group."""
        del iteration
        (history,) = group.histories
        torch._foreach_addcmul_(history, gradients, gradients)
        self.descend(group.params, gradients, history, rate)
