"""Half the mean squared distance of items."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class EuclideanLoss(nn.Module):
    """sum((a - b)^2) / (2 N); a scalar."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Map two tensors (N, ...) of as many elements to a scalar."""
        # Half precision has no room for the sum.
        dtype = torch.promote_types(a.dtype, torch.float32)
        total = functional.mse_loss(a.to(dtype), b.reshape(a.shape).to(dtype), reduction="sum")
        return total / (2 * max(1, a.shape[0]))
