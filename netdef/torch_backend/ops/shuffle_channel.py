"""Interleaving of groups of channels."""

from torch import Tensor, nn


class ShuffleChannel(nn.Module):
    """Take the first channel of every group, then the second of every group, and so on."""

    def __init__(self, groups: int = 1) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, ...) to the same shape."""
        groups = x.unflatten(1, (self.groups, x.shape[1] // self.groups))
        return groups.transpose(1, 2).flatten(1, 2)

    def extra_repr(self) -> str:
        """Name the number of groups."""
        return f"groups={self.groups}"
