"""Dropout whose phase is fixed when it is built."""

from torch import Tensor, nn
from torch.nn import functional


class Dropout(nn.Module):
    """Drop or scale, whatever `train()` and `eval()` say.

    With `scale_train`, what is not dropped grows by 1 / (1 - ratio). Without, it stays, and a
    module that does not drop shrinks by 1 - ratio.
    """

    def __init__(self, ratio: float, drops: bool = True, scale_train: bool = True) -> None:
        super().__init__()
        self.ratio = ratio
        self.drops = drops
        self.scale_train = scale_train

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        if self.drops:
            x = functional.dropout(x, self.ratio, training=True)
        return x if self.scale_train else x * (1 - self.ratio)

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"{self.ratio:g}, drops={self.drops}, scale_train={self.scale_train}"
