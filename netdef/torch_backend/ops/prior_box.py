"""SSD's prior boxes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PriorBox(nn.Module):
    """Boxes around every cell of a feature map, and their variances.

    Args:
        sizes: Width and height of each cell's boxes, in pixels.
        variances: One for all coordinates, or four.
        image: Rows and columns of the image; None for those of the second input.
        step: Rows and columns between cells; None for image over feature map.
        offset: Where in its cell a box is centred, in cells.
        clip: Cut the boxes at the edges of the image.
    """

    def __init__(
        self,
        sizes: Sequence[tuple[float, float]],
        variances: Sequence[float],
        image: tuple[int, int] | None = None,
        step: tuple[float, float] | None = None,
        offset: float = 0.5,
        clip: bool = False,
    ) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.variances = tuple(variances)
        self.image = image
        self.step = step
        self.offset = offset
        self.clip = clip

    def forward(self, x: Tensor, data: Tensor) -> Tensor:
        """Map a feature map (N, C, H, W) and an image to (1, 2, 4 H W P)."""
        rows, columns = x.shape[2:]
        height, width = self.image or data.shape[2:]
        step = self.step or (height / rows, width / columns)
        y = self._centers(rows, step[0], x.device)[:, None, None]
        x_center = self._centers(columns, step[1], x.device)[None, :, None]
        sides = torch.tensor(self.sizes, dtype=torch.float64, device=x.device) / 2
        half_width, half_height = sides.unbind(1)
        corners = (
            (x_center - half_width) / width,
            (y - half_height) / height,
            (x_center + half_width) / width,
            (y + half_height) / height,
        )
        boxes = torch.stack(torch.broadcast_tensors(*corners), -1).flatten()
        if self.clip:
            boxes = boxes.clamp(0, 1)
        variances = boxes.new_tensor(self.variances).repeat(boxes.numel() // len(self.variances))
        # Half precision would move the boxes by whole pixels.
        kind = torch.promote_types(x.dtype, torch.float32)
        return torch.stack([boxes, variances]).unsqueeze(0).to(kind)

    def _centers(self, count: int, step: float, device: torch.device) -> Tensor:
        """Return the centres of the cells along an axis, rounded as Caffe rounds them."""
        place = torch.arange(count, dtype=torch.float32, device=device)
        return ((place + self.offset) * step).double()

    def extra_repr(self) -> str:
        """Describe the boxes."""
        return (
            f"{self.sizes}, variances={self.variances}, image={self.image}, step={self.step}, "
            f"offset={self.offset}, clip={self.clip}"
        )
