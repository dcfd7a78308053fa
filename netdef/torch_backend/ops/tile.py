"""Repetition along an axis."""

from torch import Tensor, nn


class Tile(nn.Module):
    """Lay `tiles` copies of the input one after another along `axis`."""

    def __init__(self, axis: int = 1, tiles: int = 1) -> None:
        super().__init__()
        self.axis = axis
        self.tiles = tiles

    def forward(self, x: Tensor) -> Tensor:
        copies = [1] * x.dim()
        copies[self.axis] = self.tiles
        return x.repeat(copies)

    def extra_repr(self) -> str:
        """Describe the copies."""
        return f"axis={self.axis}, tiles={self.tiles}"
