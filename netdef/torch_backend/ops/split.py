"""One tensor under several names."""

from torch import Tensor, nn


class Split(nn.Module):
    """Return `parts` views of the input, each a tensor of its own, so that gradients stay apart."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        views = tuple(x.view_as(x) for _ in range(self.parts))
        return views[0] if self.parts == 1 else views

    def extra_repr(self) -> str:
        """Say how many."""
        return f"{self.parts}"
