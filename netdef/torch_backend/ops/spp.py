"""Spatial pyramid pooling."""

import torch
from torch import Tensor, nn
from torch.nn import functional

_LOWEST = torch.finfo(torch.float32).min


class SPP(nn.Module):
    """Pool (N, C, H, W) into 1, 4, 16, ... bins, all in a row; a single level to (N, C, 1, 1).

    Args:
        height: How many levels.
        method: "max"; "ave"; "stochastic", the mean weighted by the values themselves; or "draw",
            one of the values with a probability in proportion to it.
    """

    def __init__(self, height: int, method: str = "max") -> None:
        super().__init__()
        self.height = height
        self.method = method

    def forward(self, x: Tensor) -> Tensor:
        levels = [self._level(x, 2**level) for level in range(self.height)]
        return levels[0] if len(levels) == 1 else torch.cat([y.flatten(1) for y in levels], 1)

    def _level(self, x: Tensor, bins: int) -> Tensor:
        pads: list[int] = []
        kernel: list[int] = []
        for extent in x.shape[2:]:
            size = -(-extent // bins)
            start = (bins * size - extent + 1) // 2
            kernel.append(size)
            pads = [start, bins * size - extent - start, *pads]
        if self.method == "max":
            lowest = max(_LOWEST, torch.finfo(x.dtype).min)
            padded = functional.pad(x, pads, value=lowest) if any(pads) else x
            return functional.max_pool2d(padded, kernel)
        x = functional.pad(x, pads) if any(pads) else x
        if self.method == "draw":
            return _draw(x, bins, kernel)
        mean = functional.avg_pool2d(x, kernel)
        if self.method == "ave":
            return mean
        some = mean > 0
        # Not dividing by 0 at all keeps the gradient free of NaN.
        squares = functional.avg_pool2d(x * x, kernel)
        return torch.where(some, squares / torch.where(some, mean, 1), 0)

    def extra_repr(self) -> str:
        """Describe the pyramid."""
        return f"{self.height}, {self.method}"


def _draw(x: Tensor, bins: int, kernel: list[int]) -> Tensor:
    tiles = x.unflatten(3, (bins, kernel[1])).unflatten(2, (bins, kernel[0]))
    values = tiles.transpose(3, 4).flatten(-2)
    sums = values.detach().cumsum(-1)
    total = sums[..., -1:]
    reached = sums >= torch.rand_like(total) * total
    first = reached.to(torch.uint8).argmax(-1, keepdim=True)
    return values.gather(-1, first).squeeze(-1)
