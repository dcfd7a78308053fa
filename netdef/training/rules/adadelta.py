"""AdaDelta."""

# torch keeps its operations on lists of tensors under private names, and documents them.
# pyright: reportPrivateImportUsage=false

import torch
from torch import Tensor

from netdef.training.rules.update_rule import Group, UpdateRule


class AdaDelta(UpdateRule):
    """RMSProp whose steps have the units of the parameter.

    a = momentum * a + (1 - momentum) * gradient^2; u = gradient * sqrt((b + delta) / (a + delta));
    b = momentum * b + (1 - momentum) * u^2; w = w - rate * u.

    Zeiler, ADADELTA: An Adaptive Learning Rate Method, 2012.
    """

    kinds = 2

    def move(self, group: Group, gradients: list[Tensor], rate: float, iteration: int) -> None:
        """Update one group."""
        del iteration
        squares, steps = group.histories
        momentum, delta = self.solver.momentum, self.solver.delta
        torch._foreach_mul_(squares, momentum)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - momentum)
        ratios = torch._foreach_add(steps, delta)
        torch._foreach_div_(ratios, torch._foreach_add(squares, delta))
        torch._foreach_sqrt_(ratios)
        torch._foreach_mul_(gradients, ratios)
        torch._foreach_mul_(steps, momentum)
        torch._foreach_addcmul_(steps, gradients, gradients, value=1 - momentum)
        torch._foreach_sub_(group.params, gradients, alpha=rate)
