"""Scaling the loss, so that half precision does not lose small gradients."""

# torch keeps its operations on lists of tensors under private names, and documents them.
# pyright: reportPrivateImportUsage=false

from collections.abc import Sequence

import torch
from torch import Tensor


class LossScale:
    """A factor on the loss that doubles while all goes well, and halves when a gradient overflows.

    Micikevicius et al., Mixed Precision Training, 2017.

    Attributes:
        factor: The factor.
        age: Updates since it last changed.
    """

    def __init__(self, factor: float = 2.0**16, age: int = 0) -> None:
        self.factor = factor
        self.age = age

    @torch.no_grad()
    def unscale(self, gradients: Sequence[Tensor]) -> bool:
        """Divide gradients by the factor; return whether all are finite, and adjust the factor.

        An update with gradients that are not finite must be left out.
        """
        gradients = list(gradients)
        torch._foreach_mul_(gradients, 1 / self.factor)
        norms = torch.stack(torch._foreach_norm(gradients, ord=float("inf")))
        if not bool(torch.isfinite(norms).all()):
            self.factor, self.age = max(self.factor / 2, 1.0), 0
            return False
        self.age += 1
        if self.age >= _PATIENCE:
            self.factor, self.age = self.factor * 2, 0
        return True


_PATIENCE = 2000
"""Good updates after which the factor doubles."""
