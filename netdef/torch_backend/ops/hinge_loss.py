"""Margins of a one-against-all classifier."""

import torch
from torch import Tensor, nn

from netdef.torch_backend.ops.labels import class_index


class HingeLoss(nn.Module):
    """Sum of max(0, 1 - s x) or of its squares, divided by N; s is 1 for the true class, else -1.

    Args:
        squared: Whether the squares are summed.
    """

    def __init__(self, squared: bool = False) -> None:
        super().__init__()
        self.squared = squared

    def forward(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Map scores (N, ...) and N labels, indices of the flattened scores, to a scalar."""
        # Half precision has no room for the sum.
        rows = scores.flatten(1).to(torch.promote_types(scores.dtype, torch.float32))
        index, known, _ = class_index(labels, rows.shape, 1)
        true = torch.zeros_like(rows, dtype=torch.bool).scatter(1, index.unsqueeze(1), True)
        missing = (1 + rows.where(~true, -rows)).relu()
        costs = missing.square() if self.squared else missing
        return costs.where(known.unsqueeze(1), torch.nan).sum() / max(1, scores.shape[0])

    def extra_repr(self) -> str:
        """Describe the settings."""
        return "L2" if self.squared else "L1"
