"""Adam with weight decay beside the gradient, not in it."""

# torch keeps its operations on lists of tensors under private names, and documents them.
# pyright: reportPrivateImportUsage=false

import torch
from torch import Tensor

from netdef.training.rules.adam import Adam
from netdef.training.rules.update_rule import Group


class AdamW(Adam):
    """First w = w - rate * weight_decay * decay_mult * (w or sign w), then Adam.

    Not one of Caffe's. Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2017.
    """

    decays_gradient = False

    def move(self, group: Group, gradients: list[Tensor], rate: float, iteration: int) -> None:
        """Update one group."""
        decay = self.decay_of(group)
        if decay:
            torch._foreach_sub_(group.params, self.penalties(group), alpha=rate * decay)
        super().move(group, gradients, rate, iteration)
