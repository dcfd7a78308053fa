"""RMSProp."""

# torch keeps its operations on lists of tensors under private names, and documents them.
# pyright: reportPrivateImportUsage=false

import torch
from torch import Tensor

from netdef.training.rules.update_rule import Group, UpdateRule


class RMSProp(UpdateRule):
    """AdaGrad with a moving mean of the squares.

    h = rms_decay * h + (1 - rms_decay) * gradient^2; w = w - rate * gradient / (sqrt(h) + delta).

    Tieleman and Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012.
    """

    def move(self, group: Group, gradients: list[Tensor], rate: float, iteration: int) -> None:
        """Update one group."""
        del iteration
        (history,) = group.histories
        decay = self.solver.rms_decay
        torch._foreach_mul_(history, decay)
        torch._foreach_addcmul_(history, gradients, gradients, value=1 - decay)
        self.descend(group.params, gradients, history, rate)
