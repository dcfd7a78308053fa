"""Mean and variance normalisation."""

import torch
from torch import Tensor, nn

_AXES = 4


class MVN(nn.Module):
    """Subtract the mean of each channel of each item; divide by the standard deviation plus `eps`.

    Args:
        variance: Whether to divide.
        across_channels: Take each item as a whole.
        eps: Added to the standard deviation.
    """

    def __init__(
        self, variance: bool = True, across_channels: bool = False, eps: float = 1e-9
    ) -> None:
        super().__init__()
        self.variance = variance
        self.across_channels = across_channels
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Map up to four axes to (N, C, H, W); those that are missing become 1."""
        # Half precision has no room for the squares, nor for `eps`.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        wide = wide.reshape(x.shape + (1,) * (_AXES - x.dim()))
        axes = (1, 2, 3) if self.across_channels else (2, 3)
        centred = wide - wide.mean(axes, keepdim=True)
        if not self.variance:
            return centred.to(x.dtype)
        variance = (centred * centred).mean(axes, keepdim=True)
        divisor = variance.sqrt().detach() + self.eps
        # Caffe's gradient divides by the divisor where that of the root would by the root alone,
        # which is 0 in a channel of equal values.
        slope = 0.5 / divisor
        divided = centred / (divisor + (variance - variance.detach()) * slope)
        return divided.to(x.dtype)

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"variance={self.variance}, across_channels={self.across_channels}, eps={self.eps}"
