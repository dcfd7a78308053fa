"""Sums and means over the last axes."""

import torch
from torch import Tensor, nn


class Reduction(nn.Module):
    """Reduce all axes from `axis` on by "sum", "asum", "sumsq" or "mean", then scale."""

    def __init__(self, operation: str = "sum", axis: int = 0, coeff: float = 1.0) -> None:
        super().__init__()
        self.operation = operation
        self.axis = axis
        self.coeff = coeff

    def forward(self, x: Tensor) -> Tensor:
        """Map x to the shape of its axes before `axis`."""
        # Half precision has no room for the sum.
        flat = x.flatten(self.axis).to(torch.promote_types(x.dtype, torch.float32))
        if self.operation == "asum":
            flat = flat.abs()
        elif self.operation == "sumsq":
            flat = flat * flat
        reduced = flat.mean(-1) if self.operation == "mean" else flat.sum(-1)
        return reduced if self.coeff == 1 else reduced * self.coeff

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"{self.operation}, axis={self.axis}, coeff={self.coeff}"
