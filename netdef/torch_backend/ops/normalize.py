"""Division by the L2 norm."""

import torch
from torch import Tensor, nn


class Normalize(nn.Module):
    """Divide by the root of the sum of squares plus `eps`, then multiply by a learned scale.

    Args:
        channels: Size of the scale; None for one number.
        across_spatial: Take the norm of an item, not of the channels at each place.
        eps: Added to the sum of squares.
    """

    def __init__(
        self, channels: int | None = None, across_spatial: bool = True, eps: float = 1e-10
    ) -> None:
        super().__init__()
        self.across_spatial = across_spatial
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(() if channels is None else (channels,)))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, ...) to the same shape."""
        # Half precision has no room for the squares.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        squares = wide * wide
        if not self.weight.dim():
            return (wide * self._inverse_norm(squares) * self.weight).to(x.dtype)
        scale = self.weight.reshape(self.weight.shape + (1,) * (x.dim() - 2))
        # SSD's gradient is that of a layer whose scale is 1, times the scale of the channel. Where
        # scales differ, that is not quite the derivative: in it, what comes by way of the norm is
        # scaled before it is summed over the channels.
        squares = squares.detach() + scale.detach() * (squares - squares.detach())
        inverse = self._inverse_norm(squares)
        fixed = inverse.detach()
        return (wide * scale * fixed + wide.detach() * (inverse - fixed)).to(x.dtype)

    def _inverse_norm(self, squares: Tensor) -> Tensor:
        axes = tuple(range(1, squares.dim())) if self.across_spatial else (1,)
        return (squares.sum(axes, keepdim=True) + self.eps).rsqrt()

    def extra_repr(self) -> str:
        """Describe the settings."""
        scale = tuple(self.weight.shape)
        return f"scale={scale}, across_spatial={self.across_spatial}, eps={self.eps}"
