"""Regions of an image that anchors and offsets propose."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from netdef.torch_backend.ops.nms import nms

_INFINITE = float("inf")


class Proposal(nn.Module):
    """The regions of the highest scores, without those that overlap better ones.

    Args:
        anchors: Width and height of each anchor, in pixels.
        center: Where in the first cell all anchors are centred, in pixels.
        stride: Pixels from cell to cell.
        before: How many regions are looked at.
        after: How many stay at most.
        threshold: The largest intersection over union of two regions.
        min_size: The smallest side of a region, in pixels of the image before it was scaled.
        removes: Whether smaller regions go; otherwise their score becomes 0.
        scores: The shape of the second output, without its first axis; None for none.
    """

    def __init__(
        self,
        anchors: Sequence[tuple[float, float]],
        center: float,
        stride: int,
        before: int,
        after: int,
        threshold: float,
        min_size: int,
        removes: bool,
        scores: tuple[int, ...] | None,
    ) -> None:
        super().__init__()
        self.anchors = tuple(anchors)
        self.center = center
        self.stride = stride
        self.before = before
        self.after = after
        self.threshold = threshold
        self.min_size = min_size
        self.removes = removes
        self.scores = scores

    @torch.no_grad()
    def forward(
        self, scores: Tensor, offsets: Tensor, info: Tensor
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Return rows [0, x1, y1, x2, y2] in pixels, the best first, and their scores.

        Args:
            scores: (1, 2 A, H, W) of A anchors: background, then foreground.
            offsets: Of centre and size, (1, 4 A, H, W).
            info: Rows and columns of the image, and its scales: one, or rows' and columns'.
        """
        # Corners in half precision would be off by whole pixels.
        kind = torch.promote_types(offsets.dtype, torch.float32)
        info = info.flatten().to(kind)
        score = scores[0, len(self.anchors) :].to(kind).permute(1, 2, 0).flatten()
        low, high = self._corners(offsets[0].to(kind), info)
        least = info[[2, 2] if self.removes else [3, 2]] * self.min_size
        large = (high - low + 1 >= least).all(1)
        score = torch.where(large, score, -_INFINITE) if self.removes else score * large
        score, order = score.sort(descending=True, stable=True)
        score, order = score[: self.before], order[: self.before]
        low, high = low[order], high[order]
        whole = torch.cat([low, high + 1], 1)  # the last pixel belongs to the region
        stay = nms(whole[None], score[None] > -_INFINITE, self.threshold, most=self.after)[0]
        rows = torch.cat([torch.zeros_like(low[:, :1]), low, high], 1)[stay]
        if self.scores is None:
            return rows
        return rows, score[stay].reshape(-1, *self.scores)

    def _corners(self, offsets: Tensor, info: Tensor) -> tuple[Tensor, Tensor]:
        """Return first and last pixels of all regions, (H W A, 2) each, as x and y."""
        height, width = offsets.shape[1:]
        y, x = (
            torch.arange(size, dtype=offsets.dtype, device=offsets.device) * self.stride
            for size in (height, width)
        )
        anchors = offsets.new_tensor(self.anchors)
        cells = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1) + self.center
        moved, grown = offsets.permute(1, 2, 0).reshape(height, width, -1, 4).split(2, -1)
        center = moved * anchors + cells.unsqueeze(2)
        half = grown.exp() * anchors * 0.5
        edge = info[[1, 0]] - 1
        low, high = (
            torch.minimum(corner, edge).clamp(min=0).flatten(0, 2)
            for corner in (center - half, center + half)
        )
        return low, high

    def extra_repr(self) -> str:
        """Describe the anchors and what is kept."""
        return (
            f"{self.anchors}, center={self.center}, stride={self.stride}, before={self.before}, "
            f"after={self.after}, threshold={self.threshold}, min_size={self.min_size}, "
            f"removes={self.removes}"
        )
