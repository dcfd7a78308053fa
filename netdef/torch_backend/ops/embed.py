"""A learned vector per index."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class Embed(nn.Module):
    """Replace every index by its row of the weight (indices, outputs), and add the bias."""

    def __init__(self, indices: int, outputs: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(indices, outputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Map whole numbers of any shape to (..., outputs)."""
        index = x.long()
        known = (index >= 0) & (index < self.weight.shape[0])
        if x.is_cuda:  # there, a wrong index would end every program of the process
            index = index.where(known, 0)
        rows = functional.embedding(index, self.weight).where(known.unsqueeze(-1), math.nan)
        return rows if self.bias is None else rows + self.bias

    def extra_repr(self) -> str:
        """Describe the sizes."""
        return f"{tuple(self.weight.shape)}, bias={self.bias is not None}"
