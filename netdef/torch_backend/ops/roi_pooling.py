"""Maxima of regions' bins."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from netdef.torch_backend.ops.regions import bins, rounded


class ROIPooling(nn.Module):
    """The largest value of each bin of each region, in every channel; 0 where a bin is empty.

    The maximum of a bin is that of four windows inside it whose sides are the largest powers of
    two: so a few poolings of the whole map serve all regions.

    Args:
        pooled: Rows and columns of bins.
        scale: Cells of the map per pixel of the image.
    """

    def __init__(self, pooled: tuple[int, int], scale: float) -> None:
        super().__init__()
        self.pooled = pooled
        self.scale = scale

    def forward(self, x: Tensor, rois: Tensor) -> Tensor:
        """Map (N, C, H, W) and rows [image, x1, y1, x2, y2] of pixels to (R, C, rows, columns)."""
        with torch.no_grad():
            rois = rois.flatten(1)
            top, bottom = self._edges(rois[:, 2], rois[:, 4], self.pooled[0], x.shape[2])
            left, right = self._edges(rois[:, 1], rois[:, 3], self.pooled[1], x.shape[3])
            empty = (bottom <= top).unsqueeze(2) | (right <= left).unsqueeze(1)
            image = rois[:, 0].long().clamp(0, len(x) - 1)
            place = _places_of_maxima(x, image, (top, bottom), (left, right), empty)
            channel = torch.arange(x.shape[1], device=x.device)
            plane = image.unsqueeze(1) * x.shape[1] + channel
            place = place + plane[..., None, None] * (x.shape[2] * x.shape[3])
        return x.flatten()[place].masked_fill(empty.unsqueeze(1), 0.0)

    def _edges(self, first: Tensor, last: Tensor, count: int, size: int) -> tuple[Tensor, Tensor]:
        """Return begins and ends of the bins along an axis of `size` cells, (R, count) each."""
        # In single precision always: how a quotient is rounded decides which bins a cell is in.
        begin, end = (rounded(edge.float() * self.scale) for edge in (first, last))
        lows, highs = bins((end - begin + 1).clamp(min=1), count)
        lows, highs = lows.floor() + begin.unsqueeze(1), highs.ceil() + begin.unsqueeze(1)
        return lows.clamp(0, size).long(), highs.clamp(0, size).long()

    def extra_repr(self) -> str:
        """Describe the bins."""
        return f"{self.pooled}, scale={self.scale}"


Edges = tuple[Tensor, Tensor]


def _places_of_maxima(
    x: Tensor, image: Tensor, rows: Edges, columns: Edges, empty: Tensor
) -> Tensor:
    """Return where in the H x W plane each bin has its first maximum, (R, C, rows, columns)."""
    levels = _level(rows[1] - rows[0]).unsqueeze(2) * 64 + _level(
        columns[1] - columns[0]
    ).unsqueeze(1)
    levels = levels.masked_fill(empty, -1)
    places = torch.zeros(
        (len(image), x.shape[1], *empty.shape[1:]), dtype=torch.long, device=x.device
    )
    x = x.contiguous(memory_format=torch.channels_last)  # a cell's channels are read together
    for level in levels.unique().tolist():
        if level < 0:
            continue
        height, width = 1 << level // 64, 1 << level % 64
        tables = functional.max_pool2d(x, (height, width), stride=1, return_indices=True)
        values, index = (table.permute(0, 2, 3, 1) for table in tables)
        region, i, j = (levels == level).nonzero().unbind(1)
        which = image[region]
        best, place = values.new_tensor(-float("inf")), index.new_tensor(0)
        for y in (rows[0][region, i], rows[1][region, i] - height):
            for x_ in (columns[0][region, j], columns[1][region, j] - width):
                value, at = values[which, y, x_], index[which, y, x_]
                better = (value > best) | ((value == best) & (at < place))
                best, place = torch.where(better, value, best), torch.where(better, at, place)
        places[region, :, i, j] = place
    return places


def _level(size: Tensor) -> Tensor:
    """Return the exponent of the largest power of two within a size of at least 1."""
    powers = 2 ** torch.arange(1, 63, device=size.device)
    return (size.unsqueeze(-1) >= powers).sum(-1)
