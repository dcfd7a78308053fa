"""What batch normalisations share: statistics as buffers, and normalising by the batch's own."""

from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional


class Statistics(nn.Module):
    """Base of modules that keep statistics, which other layers may share."""

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """Move or convert the buffers as torch does parameters: they stay the same tensors."""
        before = dict(self.named_buffers(recurse=False))
        super()._apply(fn, recurse)
        for name, buffer in before.items():
            moved = self.get_buffer(name)
            if buffer.is_meta == moved.is_meta:
                buffer.data = moved
                setattr(self, name, buffer)
        return self


def by_batch(
    x: Tensor,
    like: Tensor,
    eps: float,
    factor: Tensor | None = None,
    shift: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return (N, C, ...) normalised by its own mean and biased variance, and its statistics.

    Args:
        x: The values.
        like: A tensor of (C,), of the type that the statistics shall have.
        eps: What is added to the variance.
        factor: (C,): what the normalised values are multiplied by.
        shift: (C,): what is added then.

    Returns:
        The normalised values, the mean (C,) and the unbiased variance (C,), without gradients. The
        variance of a single value per channel is 0; without values, so is the mean.
    """
    mean, variance = torch.zeros_like(like), torch.zeros_like(like)
    values = x.numel() // max(x.shape[1], 1)  # per channel
    if values > 1:
        # With momentum 1 the kernel leaves the batch's own mean and unbiased variance.
        y = functional.batch_norm(x, mean, variance, factor, shift, True, 1.0, eps)
        return y, mean, variance
    if values == 1:  # torch refuses it
        mean = x.detach().to(mean.dtype).reshape(mean.shape)
        y = x - x
        if factor is not None and shift is not None:
            along = (-1, *[1] * (x.dim() - 2))
            y = y * factor.reshape(along) + shift.reshape(along)
        return y, mean, variance
    return x, mean, variance
