"""Caffe's pooling, for all that torch's own poolings do otherwise."""

import torch
from torch import Tensor, nn
from torch.nn import functional

_LOWEST = torch.finfo(torch.float32).min


class Pooling(nn.Module):
    """Pool (N, C, H, W) to (N, C, H', W') with Caffe's sizes, windows and divisors.

    Args:
        method: "max"; "ave"; "stochastic", the mean weighted by the values themselves; or "draw",
            one of the values with a probability in proportion to it.
        kernel: Height and width of the window; None for the whole input.
        stride: Rows and columns between windows.
        pad: Rows and columns of padding at each side, fewer than the window's.
        floor: Round the number of windows down, not up.
        mask: For "max": also return where each maximum was in the H x W plane, -1 for nowhere.
    """

    def __init__(
        self,
        method: str,
        kernel: tuple[int, int] | None,
        stride: tuple[int, int] = (1, 1),
        pad: tuple[int, int] = (0, 0),
        floor: bool = False,
        mask: bool = False,
    ) -> None:
        super().__init__()
        self.method = method
        self.kernel = kernel
        self.stride = stride
        self.pad = pad
        self.floor = floor
        self.mask = mask

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        height, width = x.shape[2:]
        kernel = self.kernel or (height, width)
        sizes = _pooled_sizes((height, width), kernel, self.stride, self.pad, self.floor)
        # The padding that lets torch round down and see the very same windows.
        ends = [
            max((size - 1) * s + k - extent - p, 0)
            for size, extent, k, s, p in zip(
                sizes, (height, width), kernel, self.stride, self.pad, strict=True
            )
        ]
        pad = (self.pad[1], ends[1], self.pad[0], ends[0])
        if self.method == "max":
            return self._max(x, kernel, pad)
        padded = functional.pad(x, pad) if any(pad) else x
        if self.method == "ave":
            mean = functional.avg_pool2d(padded, kernel, self.stride)
            return mean * self._corrections(x, kernel, sizes) if any(ends) else mean
        if self.method == "stochastic":
            return self._weighted_mean(padded, kernel)
        return self._draw(padded, kernel)

    def _max(
        self, x: Tensor, kernel: tuple[int, int], pad: tuple[int, int, int, int]
    ) -> Tensor | tuple[Tensor, Tensor]:
        if self.kernel is None:  # as one reduction; the first of equals wins here too
            best, index = x.flatten(2).max(2)
            best, index = best[..., None, None], index[..., None, None]
        else:
            lowest = max(_LOWEST, torch.finfo(x.dtype).min)
            padded = functional.pad(x, pad, value=lowest) if any(pad) else x
            if not self.mask:
                return functional.max_pool2d(padded, kernel, self.stride)
            best, index = functional.max_pool2d(padded, kernel, self.stride, return_indices=True)
        if not self.mask:
            return best
        if any(pad):
            index = _unpadded(index, x.shape[2], x.shape[3], pad)
        # Half precision could not count far enough.
        return best, index.to(torch.promote_types(x.dtype, torch.float32))

    def _corrections(self, x: Tensor, kernel: tuple[int, int], sizes: list[int]) -> Tensor:
        """Return the window's area over its area up to the end of the padding, (H', W').

        A window that begins behind the end has a mean of 0 / 0.
        """
        spans = []
        for axis in (0, 1):
            begin = torch.arange(sizes[axis], device=x.device) * self.stride[axis]
            end = x.shape[2 + axis] + 2 * self.pad[axis]
            spans.append((end - begin).clamp(max=kernel[axis]).to(x.dtype))
        return kernel[0] * kernel[1] / (spans[0][:, None] * spans[1])

    def _weighted_mean(self, x: Tensor, kernel: tuple[int, int]) -> Tensor:
        values = functional.avg_pool2d(x, kernel, self.stride)
        squares = functional.avg_pool2d(x * x, kernel, self.stride)
        some = values > 0
        # Not dividing by 0 at all keeps the gradient free of NaN.
        return torch.where(some, squares / torch.where(some, values, 1), 0)

    def _draw(self, x: Tensor, kernel: tuple[int, int]) -> Tensor:
        windows = x.unfold(2, kernel[0], self.stride[0]).unfold(3, kernel[1], self.stride[1])
        values = windows.flatten(-2)
        sums = values.detach().cumsum(-1)
        total = sums[..., -1:]
        reached = sums >= torch.rand_like(total) * total
        first = reached.to(torch.uint8).argmax(-1, keepdim=True)
        return values.gather(-1, first).squeeze(-1)

    def extra_repr(self) -> str:
        """Describe the windows."""
        return (
            f"{self.method}, kernel={self.kernel}, stride={self.stride}, pad={self.pad}, "
            f"floor={self.floor}, mask={self.mask}"
        )


def _pooled_sizes(
    extents: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    floor: bool,
) -> list[int]:
    """Return the number of windows along both axes.

    Only where there is padding, a last window that would begin behind the input is dropped.
    """
    sizes = []
    for extent, k, s, p in zip(extents, kernel, stride, pad, strict=True):
        span = extent + 2 * p - k
        size = (span // s if floor else -(-span // s)) + 1
        if any(pad) and (size - 1) * s >= extent + p:
            size -= 1
        sizes.append(size)
    return sizes


def _unpadded(index: Tensor, height: int, width: int, pad: tuple[int, int, int, int]) -> Tensor:
    """Return indices in a padded plane as indices in the plane itself, -1 outside."""
    left, right, top, _ = pad
    wide = left + width + right
    row, column = index // wide - top, index % wide - left
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return torch.where(inside, row * width + column, -1)
