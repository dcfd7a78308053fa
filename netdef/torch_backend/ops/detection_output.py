"""SSD's detections."""

import torch
from torch import Tensor, nn

from netdef.torch_backend.ops.boxes import decode
from netdef.torch_backend.ops.nms import nms

_INFINITE = float("inf")


class DetectionOutput(nn.Module):
    """Boxes of all classes from offsets, scores and prior boxes, without those that overlap.

    Args:
        classes: Number of classes, the background included.
        background: The class of the background; -1 for none.
        shared: Whether all classes have the same boxes.
        code_type: How offsets encode a box: "CORNER", "CENTER_SIZE" or "CORNER_SIZE".
        variance_in_target: Whether the offsets are not to be scaled by the variances.
        confidence: Scores up to this do not count.
        threshold: The largest intersection over union of two boxes of a class.
        eta: Factor on the threshold after each box that stays, while it is above 0.5.
        top_k: How many boxes of a class are looked at; -1 for all.
        keep_top_k: How many boxes of an image stay; -1 for all.
    """

    def __init__(
        self,
        classes: int,
        background: int,
        shared: bool,
        code_type: str,
        variance_in_target: bool,
        confidence: float,
        threshold: float,
        eta: float,
        top_k: int,
        keep_top_k: int,
    ) -> None:
        super().__init__()
        self.classes = classes
        self.labels = [label for label in range(classes) if label != background]
        self.shared = shared
        self.code_type = code_type
        self.variance_in_target = variance_in_target
        self.confidence = confidence
        self.threshold = threshold
        self.eta = eta
        self.top_k = top_k
        self.keep_top_k = keep_top_k

    @torch.no_grad()
    def forward(self, offsets: Tensor, scores: Tensor, priors: Tensor) -> Tensor:
        """Return rows [image, label, score, x1, y1, x2, y2], ordered by image, class and score.

        Args:
            offsets: 4 per prior box, or per prior box and class: (N, ...).
            scores: One per prior box and class: (N, ...).
            priors: P boxes and their variances, (1, 2, 4 P).

        Returns:
            (1, 1, rows, 7); where nothing is found, a row [image, -1, -1, ...] per image.
        """
        # Corners in half precision would be off by whole pixels.
        kind = torch.promote_types(offsets.dtype, torch.float32)
        offsets, scores, priors = offsets.to(kind), scores.to(kind), priors.to(kind)
        boxes, best, candidates = self._candidates(offsets, scores, priors)
        stay = nms(boxes.flatten(0, 1), candidates.flatten(0, 1), self.threshold, self.eta)
        stay = self._best(best, stay.reshape(candidates.shape))
        found = stay.nonzero().unbind(1)
        if not len(found[0]):
            rows = best.new_full((len(best), 7), -1.0)
            rows[:, 0] = torch.arange(len(best), device=rows.device)
            return rows.reshape(1, 1, -1, 7)
        label = best.new_tensor(self.labels)[found[1]]
        heads = torch.stack([found[0].to(kind), label, best[found]], 1)
        return torch.cat([heads, boxes[found]], 1).reshape(1, 1, -1, 7)

    def _candidates(
        self, offsets: Tensor, scores: Tensor, priors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes (N, F, K, 4) of F classes, the best first, their scores, and which count."""
        images, count = len(offsets), priors.numel() // 8
        boxes, variances = priors.reshape(2, count, 1, 4)
        offsets = offsets.reshape(images, count, -1, 4)
        boxes = decode(boxes, variances, offsets, self.code_type, self.variance_in_target)
        boxes = boxes.transpose(1, 2)
        scores = scores.reshape(images, count, self.classes).transpose(1, 2)[:, self.labels]
        # NaN would come first.
        scores = torch.where(scores > self.confidence, scores, -_INFINITE)
        scores, order = scores.sort(dim=2, descending=True, stable=True)
        most = int((scores > -_INFINITE).sum(2).max())
        if self.top_k >= 0:
            most = min(most, self.top_k)
        scores, order = scores[..., :most], order[..., :most, None].expand(-1, -1, -1, 4)
        boxes = boxes.expand(-1, order.shape[1], -1, -1) if self.shared else boxes[:, self.labels]
        return boxes.gather(2, order), scores, scores > -_INFINITE

    def _best(self, scores: Tensor, stay: Tensor) -> Tensor:
        """Drop all but the best of each image, over all classes."""
        if self.keep_top_k < 0:
            return stay
        ranked = torch.where(stay, scores, -_INFINITE).flatten(1)
        first = ranked.sort(dim=1, descending=True, stable=True).indices[:, : self.keep_top_k]
        return stay & torch.zeros_like(stay).flatten(1).scatter(1, first, True).reshape(stay.shape)

    def extra_repr(self) -> str:
        """Describe what is kept."""
        return (
            f"labels={self.labels}, shared={self.shared}, {self.code_type}, "
            f"variance_in_target={self.variance_in_target}, confidence={self.confidence}, "
            f"threshold={self.threshold}, eta={self.eta}, top_k={self.top_k}, "
            f"keep_top_k={self.keep_top_k}"
        )
