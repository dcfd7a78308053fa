"""Caffe's pooling, for all that torch's own poolings do otherwise."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

_LOWEST = torch.finfo(torch.float32).min

_MAX = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
_MEAN = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
"""By the number of spatial axes."""


class Pooling(nn.Module):
    """Pool (N, C, spatial...) with Caffe's sizes, windows and divisors, over one to three axes.

    Args:
        method: "max"; "ave"; "stochastic", the mean weighted by the values themselves; or "draw",
            one of the values with a probability in proportion to it.
        kernel: Sizes of the window; None for the whole input.
        stride: Distances of the windows; 1 when nothing is said.
        pad: Padding at each side, less than the window; 0 when nothing is said.
        floor: Round the number of windows down, not up.
        clip: Where there is padding, drop a last window that would begin behind the input.
        mask: For "max": also return where each maximum was, counted through all spatial axes, -1
            for nowhere.
    """

    def __init__(
        self,
        method: str,
        kernel: tuple[int, ...] | None,
        stride: tuple[int, ...] = (),
        pad: tuple[int, ...] = (),
        floor: bool = False,
        clip: bool = True,
        mask: bool = False,
    ) -> None:
        super().__init__()
        self.method = method
        self.kernel = kernel
        self.stride = stride
        self.pad = pad
        self.floor = floor
        self.clip = clip
        self.mask = mask

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        extents = tuple(x.shape[2:])
        kernel = self.kernel or extents
        stride, begins = self.stride or (1,) * len(extents), self.pad or (0,) * len(extents)
        sizes = self._sizes(extents, kernel, stride, begins)
        # The padding that lets torch round down and see the very same windows.
        ends = tuple(
            max((size - 1) * s + k - extent - p, 0)
            for size, extent, k, s, p in zip(sizes, extents, kernel, stride, begins, strict=True)
        )
        if self.method == "max":
            return self._max(x, kernel, stride, begins, ends)
        padded = _padded(x, begins, ends, 0.0)
        if self.method == "ave":
            mean = _MEAN[len(extents)](padded, kernel, stride)
            if not any(ends):
                return mean
            return mean * _corrections(x, kernel, stride, begins, sizes)
        if self.method == "stochastic":
            return _weighted_mean(padded, kernel, stride)
        return _draw(padded, kernel, stride)

    def _sizes(
        self,
        extents: tuple[int, ...],
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        pad: tuple[int, ...],
    ) -> list[int]:
        """Return the number of windows along each axis."""
        sizes: list[int] = []
        for extent, k, s, p in zip(extents, kernel, stride, pad, strict=True):
            span = extent + 2 * p - k
            size = (span // s if self.floor else -(-span // s)) + 1
            if self.clip and any(pad) and (size - 1) * s >= extent + p:
                size -= 1
            sizes.append(size)
        return sizes

    def _max(
        self,
        x: Tensor,
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        begins: tuple[int, ...],
        ends: tuple[int, ...],
    ) -> Tensor | tuple[Tensor, Tensor]:
        if self.kernel is None:  # as one reduction; the first of equals wins here too
            ones = (1,) * len(kernel)
            best, index = (found.unflatten(-1, ones) for found in x.flatten(2).max(2, True))
        else:
            pool = _MAX[len(kernel)]
            padded = _padded(x, begins, ends, max(_LOWEST, torch.finfo(x.dtype).min))
            if not self.mask:
                return pool(padded, kernel, stride)
            best, index = pool(padded, kernel, stride, return_indices=True)
            index = _unpadded(index, tuple(x.shape[2:]), begins, ends)
        if not self.mask:
            return best
        # Half precision could not count far enough.
        return best, index.to(torch.promote_types(x.dtype, torch.float32))

    def extra_repr(self) -> str:
        """Describe the windows."""
        return (
            f"{self.method}, kernel={self.kernel}, stride={self.stride}, pad={self.pad}, "
            f"floor={self.floor}, clip={self.clip}, mask={self.mask}"
        )


def _padded(x: Tensor, begins: tuple[int, ...], ends: tuple[int, ...], value: float) -> Tensor:
    if not any(begins + ends):
        return x
    pairs = zip(begins[::-1], ends[::-1], strict=True)
    return functional.pad(x, [side for pair in pairs for side in pair], value=value)


def _corrections(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pad: tuple[int, ...],
    sizes: list[int],
) -> Tensor:
    """Return the window's area over its area up to the end of the padding, (spatial...).

    A window that begins behind the end has a mean of 0 / 0.
    """
    areas = torch.ones((), device=x.device, dtype=x.dtype)
    for axis, size in enumerate(sizes):
        begin = torch.arange(size, device=x.device) * stride[axis]
        span = x.shape[2 + axis] + 2 * pad[axis] - begin
        areas = areas.unsqueeze(-1) * span.clamp(max=kernel[axis]).to(x.dtype)
    return math.prod(kernel) / areas


def _weighted_mean(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    pool = _MEAN[len(kernel)]
    values, squares = pool(x, kernel, stride), pool(x * x, kernel, stride)
    some = values > 0
    # Not dividing by 0 at all keeps the gradient free of NaN.
    return torch.where(some, squares / torch.where(some, values, 1), 0)


def _draw(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    for axis, (size, step) in enumerate(zip(kernel, stride, strict=True), 2):
        x = x.unfold(axis, size, step)
    values = x.flatten(-len(kernel))
    sums = values.detach().cumsum(-1)
    total = sums[..., -1:]
    reached = sums >= torch.rand_like(total) * total
    first = reached.to(torch.uint8).argmax(-1, keepdim=True)
    return values.gather(-1, first).squeeze(-1)


def _unpadded(
    index: Tensor, extents: tuple[int, ...], begins: tuple[int, ...], ends: tuple[int, ...]
) -> Tensor:
    """Return indices in a padded input as indices in the input itself, -1 outside."""
    if not any(begins + ends):
        return index
    place, count = torch.zeros_like(index), 1
    inside = torch.ones_like(index, dtype=torch.bool)
    for extent, begin, end in zip(extents[::-1], begins[::-1], ends[::-1], strict=True):
        wide = begin + extent + end
        at = index % wide - begin
        inside = inside & (at >= 0) & (at < extent)
        place = place + at * count
        index, count = index // wide, count * extent
    return torch.where(inside, place, -1)
