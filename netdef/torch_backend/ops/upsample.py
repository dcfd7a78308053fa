"""Repeating values."""

from torch import Tensor, nn


class Upsample(nn.Module):
    """Repeat every value of (..., H, W) `rows` times downwards and `columns` times sideways."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.rows = rows
        self.columns = columns

    def forward(self, x: Tensor) -> Tensor:
        *outer, height, width = x.shape
        # An expansion, whose gradient is a plain sum; the interpolation's is not deterministic.
        blocks = x[..., :, None, :, None].expand(*outer, height, self.rows, width, self.columns)
        return blocks.reshape(*outer, height * self.rows, width * self.columns)

    def extra_repr(self) -> str:
        """Give the factors."""
        return f"{self.rows}, {self.columns}"
