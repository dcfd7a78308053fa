"""Cutting along one axis."""

from torch import Tensor, nn


class Slice(nn.Module):
    """Cut into `parts` along `axis`, at `points`, or equally where there are none.

    The results are views.
    """

    def __init__(self, parts: int, axis: int = 1, points: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.parts = parts
        self.axis = axis
        self.points = points

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        if self.parts == 1:
            return x.view_as(x)
        return tuple(x.tensor_split(self.points or self.parts, self.axis))

    def expression(self, x: str) -> str | None:
        """Return it as a person writes it."""
        if self.parts == 1:
            return None
        cuts = list(self.points) or self.parts
        return f"{x}.tensor_split({cuts}, dim={self.axis})"

    def extra_repr(self) -> str:
        """Describe the cuts."""
        return f"{self.parts}, axis={self.axis}, points={self.points}"
