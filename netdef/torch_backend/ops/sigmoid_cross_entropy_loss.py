"""Cross entropy of sigmoids, with Caffe's divisors."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from netdef.torch_backend.ops.labels import divisor


class SigmoidCrossEntropyLoss(nn.Module):
    """Sum of the binary cross entropies of scores, divided as `normalization` says; a scalar.

    Args:
        normalization: FULL, VALID, BATCH_SIZE (the first axis), NONE or PRE_FIXED.
        ignore_label: Target that costs nothing.
        divisor: What PRE_FIXED divides by.
    """

    def __init__(
        self,
        normalization: str = "BATCH_SIZE",
        ignore_label: int | None = None,
        divisor: float = 1.0,
    ) -> None:
        super().__init__()
        self.normalization = normalization
        self.ignore_label = ignore_label
        self.divisor = divisor

    def forward(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Map scores (N, ...) and as many targets to a scalar."""
        # Half precision has no room for the sum.
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        targets = targets.detach().reshape(scores.shape).to(scores.dtype)
        counted = torch.ones_like(targets, dtype=torch.bool)
        if self.ignore_label is not None:
            counted = targets.trunc() != self.ignore_label
        costs = functional.binary_cross_entropy_with_logits(scores, targets, reduction="none")
        return costs.where(counted, 0.0).sum() / divisor(
            self.normalization, scores.numel(), scores.shape[0], counted, self.divisor
        )

    def extra_repr(self) -> str:
        """Describe the settings."""
        ignored = "" if self.ignore_label is None else f", ignore_label={self.ignore_label}"
        return self.normalization + ignored
