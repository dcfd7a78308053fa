"""Means of regions' bins, each in channels of its own."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from netdef.torch_backend.ops.regions import bins, rounded

_SMALLEST = 0.1
"""Size of a region without any, in cells."""


class PSROIPooling(nn.Module):
    """The mean of each bin of each region; bin (i, j) of output c reads channel (c g + i) g + j.

    Args:
        outputs: Channels of the output.
        group: Rows and columns of bins, g.
        scale: Cells of the map per pixel of the image.
    """

    def __init__(self, outputs: int, group: int, scale: float) -> None:
        super().__init__()
        self.outputs = outputs
        self.group = group
        self.scale = scale

    def forward(self, x: Tensor, rois: Tensor) -> Tensor:
        """Map (N, g g D, H, W) and rows [image, x1, y1, x2, y2] of pixels to (R, D, g, g)."""
        group, device = self.group, x.device
        rois = rois.detach().flatten(1)
        top, bottom = self._edges(rois[:, 2], rois[:, 4], x.shape[2])
        left, right = self._edges(rois[:, 1], rois[:, 3], x.shape[3])
        top, bottom = top[:, None, :, None], bottom[:, None, :, None]
        left, right = left[:, None, None, :], right[:, None, None, :]
        # Sums from the corner on; a bin's is a difference of them, for which they must be exact.
        sums = functional.pad(x.double().cumsum(2).cumsum(3), (1, 0, 1, 0))
        image = rois[:, 0].long().clamp(0, len(x) - 1)[:, None, None, None]
        output = torch.arange(self.outputs, device=device)[:, None, None]
        place = torch.arange(group, device=device)
        channel = (output * group + place[:, None]) * group + place

        def total(rows: Tensor, columns: Tensor) -> Tensor:
            return sums[image, channel, rows, columns]

        whole = total(bottom, right) - total(top, right) - total(bottom, left) + total(top, left)
        area = (bottom - top).clamp(min=0) * (right - left).clamp(min=0)
        return (whole / area.clamp(min=1)).masked_fill(area == 0, 0.0).to(x.dtype)

    def _edges(self, first: Tensor, last: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Return begins and ends of the bins along an axis of `size` cells, (R, g) each."""
        # In single precision always: how a quotient is rounded decides which bins a cell is in.
        begin = rounded(first.float()) * self.scale
        end = (rounded(last.float()) + 1) * self.scale
        lows, highs = bins((end - begin).clamp(min=_SMALLEST), self.group)
        lows, highs = (lows + begin.unsqueeze(1)).floor(), (highs + begin.unsqueeze(1)).ceil()
        return lows.clamp(0, size).long(), highs.clamp(0, size).long()

    def extra_repr(self) -> str:
        """Describe the bins."""
        return f"{self.outputs}, group={self.group}, scale={self.scale}"
