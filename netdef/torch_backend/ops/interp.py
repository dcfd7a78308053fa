"""Bilinear interpolation with aligned corners."""

from torch import Tensor, nn
from torch.nn import functional


class Interp(nn.Module):
    """Resize (N, C, H, W) to the size of a second input, to `size`, or by the factors.

    Args:
        shrink: n rows become (n - 1) // shrink + 1.
        zoom: Then, n rows become (n - 1) * zoom + 1.
        size: Rows and columns, instead.
        crop: Rows and columns that are cut off before, at the start and at the end.
    """

    def __init__(
        self,
        shrink: int = 1,
        zoom: int = 1,
        size: tuple[int, int] | None = None,
        crop: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__()
        self.shrink = shrink
        self.zoom = zoom
        self.size = size
        self.crop = crop

    def forward(self, x: Tensor, like: Tensor | None = None) -> Tensor:
        start, end = self.crop
        height, width = x.shape[2:]
        x = x[:, :, start : height - end, start : width - end]
        if like is not None:
            size = tuple(like.shape[2:])
        else:
            size = self.size or tuple((n - 1) // self.shrink * self.zoom + 1 for n in x.shape[2:])
        return functional.interpolate(x, size, mode="bilinear", align_corners=True)

    def extra_repr(self) -> str:
        """Describe the sizes."""
        return f"shrink={self.shrink}, zoom={self.zoom}, size={self.size}, crop={self.crop}"
