"""Addition of values that span some axes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Bias(nn.Module):
    """Add values laid along the axes from `axis` on.

    They are the parameter `bias` of shape `shape`, or, without `learned`, a second input. Values
    without axes are added to every element.
    """

    def __init__(self, shape: Sequence[int], axis: int = 1, learned: bool = True) -> None:
        super().__init__()
        self.axis = axis
        self.bias = nn.Parameter(torch.empty(tuple(shape))) if learned else None

    def forward(self, x: Tensor, values: Tensor | None = None) -> Tensor:
        """Map x (any shape), and values of the shape of the axes they span, to x's shape."""
        bias = self.bias if values is None else values
        assert bias is not None  # noqa: S101 - it is learned or a second input
        bias = bias.to(x.dtype)  # in mixed precision the input's type stays
        if bias.dim():
            behind = x.dim() - self.axis % x.dim() - bias.dim()
            bias = bias.reshape(bias.shape + (1,) * behind)
        return x + bias

    def extra_repr(self) -> str:
        """Describe the values."""
        shape = "" if self.bias is None else f"shape={tuple(self.bias.shape)}, "
        return f"{shape}axis={self.axis}"
