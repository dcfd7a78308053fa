"""Blocks of pixels become channels, in darknet's order."""

from torch import Tensor, nn


class Reorg(nn.Module):
    """Exchange space and channels; see `netdef layers Reorg` for the order."""

    def __init__(self, stride: int, reverse: bool = False) -> None:
        super().__init__()
        self.stride = stride
        self.reverse = reverse

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C s s, H / s, W / s), or in reverse (N, C / s s, H s, W s)."""
        s = self.stride
        n, channels, height, width = x.shape
        few = channels // (s * s)
        if self.reverse:
            blocks = x.reshape(n, s, s, few, height, width).permute(0, 3, 4, 1, 5, 2)
            return blocks.reshape(n, few, height * s, width * s)
        # The values are first read as if they were (N, C / s s, H s, W s).
        blocks = x.reshape(n, few, height, s, width, s).permute(0, 3, 5, 1, 2, 4)
        return blocks.reshape(n, channels * s * s, height // s, width // s)

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"stride={self.stride}, reverse={self.reverse}"
