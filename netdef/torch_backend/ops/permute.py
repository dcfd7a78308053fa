"""Axes in another order."""

from torch import Tensor, nn


class Permute(nn.Module):
    """Put axis `order[i]` of the input at place i."""

    def __init__(self, order: tuple[int, ...]) -> None:
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.order)

    def expression(self, x: str) -> str | None:
        """Return it as a person writes it."""
        return f"{x}.permute({', '.join(map(str, self.order))})"

    def extra_repr(self) -> str:
        """Name the order."""
        return f"{self.order}"
