"""Adam."""

# torch keeps its operations on lists of tensors under private names, and documents them.
# pyright: reportPrivateImportUsage=false

import math

import torch
from torch import Tensor

from netdef.training.rules.update_rule import Group, UpdateRule


class Adam(UpdateRule):
    """Moving means of the gradient and of its square, both corrected for starting at 0.

    m = b1 * m + (1 - b1) * gradient; v = b2 * v + (1 - b2) * gradient^2;
    w = w - rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + delta), with b1 `momentum`,
    b2 `momentum2` and t the iteration, from 1.

    Kingma and Ba, Adam: A Method for Stochastic Optimization, 2014; the form at the end of its
    section 2, where delta stands beside the uncorrected root.
    """

    kinds = 2

    def move(self, group: Group, gradients: list[Tensor], rate: float, iteration: int) -> None:
        """Update one group."""
        means, squares = group.histories
        b1, b2, t = self.solver.momentum, self.solver.momentum2, iteration + 1
        torch._foreach_lerp_(means, gradients, 1 - b1)
        torch._foreach_mul_(squares, b2)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - b2)
        correction = math.sqrt(1 - b2**t) / (1 - b1**t)
        self.descend(group.params, means, squares, rate * correction)
