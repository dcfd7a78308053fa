"""Local response normalisation, faster than torch's by plain additions."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class LRN(nn.Module):
    """x / (k + alpha * mean of x^2) ^ beta.

    The mean is over `size` channels or, `within` a channel, over `size` x `size` places. Zeros
    beyond the edges count. `size` is odd. The input is (N, C, H, W), and so is the output.
    """

    def __init__(
        self, size: int, alpha: float, beta: float, k: float = 1.0, within: bool = False
    ) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k
        self.within = within

    def forward(self, x: Tensor) -> Tensor:
        # The squares of half precision overflow from 256 on.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        square = wide * wide
        if self.within:
            mean = functional.avg_pool2d(square, self.size, 1, self.size // 2)
            scale = self.k + self.alpha * mean
        else:
            scale = self.k + (self.alpha / self.size) * self._sum_of_channels(square)
        return (wide * self._power(scale)).to(x.dtype)

    def _sum_of_channels(self, square: Tensor) -> Tensor:
        # Shifted additions: nn.LocalResponseNorm pools in 3-D, several times slower.
        channels, half = square.shape[1], self.size // 2
        padded = functional.pad(square, (0, 0, 0, 0, half, half))
        total = padded[:, :channels]
        for shift in range(1, self.size):
            total = total + padded[:, shift : shift + channels]
        return total

    def _power(self, scale: Tensor) -> Tensor:
        """Return scale ^ -beta; roots are much faster than a power, and most nets want 0.75."""
        if self.beta == 0.75:
            return (scale * scale.sqrt()).rsqrt()
        return scale.pow(-self.beta)

    def extra_repr(self) -> str:
        """Describe the formula."""
        region = "within" if self.within else "across"
        return f"{self.size}, alpha={self.alpha:g}, beta={self.beta:g}, k={self.k:g}, {region}"
