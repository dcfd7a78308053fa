"""Products of matrices."""

import torch
from torch import Tensor, nn


class MatMul(nn.Module):
    """Multiply the matrices in the last two axes; the axes before are broadcast."""

    def __init__(self, transpose_a: bool = False, transpose_b: bool = False) -> None:
        super().__init__()
        self.transpose_a = transpose_a
        self.transpose_b = transpose_b

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Map (..., M, K) and (..., K, N) to (..., M, N)."""
        return torch.matmul(a.mT if self.transpose_a else a, b.mT if self.transpose_b else b)

    def extra_repr(self) -> str:
        """Name what is transposed."""
        return f"transpose_a={self.transpose_a}, transpose_b={self.transpose_b}"
