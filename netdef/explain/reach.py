"""Where the gradient of a part of a layer's top reaches in a bottom."""

from typing import Any

import torch
from torch import Tensor, nn

from netdef.ir import Blob, Layer

Box = tuple[tuple[int, int], ...]
"""First and last index along every axis from axis 2 on, ends included."""

_DRAWS = 3
"""Random inputs; one of them alone may hide a dependence."""


class Reach:
    """What a layer's top sees of a bottom, found by running the layer alone.

    Attributes:
        nothing: Whether no gradient reaches the bottom at all: it is a label, or a size.
        at_its_place: Whether every unit sees exactly the one at its own place.
    """

    def __init__(self, module: nn.Module | None, layer: Layer, top: int, bottom: int) -> None:
        """Run the layer on random positive values, which ReLUs and roots let through."""
        self._module = module
        self._layer = layer
        self._top = top
        self._bottom = bottom
        sizes = (layer.bottoms[bottom].shape or ())[2:]
        tops = (layer.tops[top].shape or ())[2:]
        everything = tuple((0, size - 1) for size in tops)
        self.nothing = self.of(everything) is None
        middle: Box = tuple((size // 2, size // 2) for size in tops)
        corner: Box = tuple((0, 0) for _ in tops)
        same = bool(sizes) and sizes == tops
        self.at_its_place = same and self.of(middle) == middle and self.of(corner) == corner

    def of(self, box: Box) -> Box | None:
        """Return what a box of the top sees; None for nothing."""
        found: Box | None = None
        for seed in range(_DRAWS):
            gradient = self._gradient(box, seed)
            if gradient is None:
                return None
            axes = gradient.dim()
            touched = gradient.ne(0)
            lines = [
                touched.any(dim=[other for other in range(axes) if other != axis]).nonzero()
                for axis in range(2, axes)
            ]
            if touched.any():
                found = union(found, tuple((int(line.min()), int(line.max())) for line in lines))
        return found

    def _gradient(self, box: Box, seed: int) -> Tensor | None:
        if self._module is None:
            return None
        generator = torch.Generator().manual_seed(seed)
        device = next((p.device for p in self._module.parameters()), torch.device("cpu"))
        ins = [
            (0.1 + torch.rand(bottom.shape or (), generator=generator)).to(device)
            for bottom in self._layer.bottoms
        ]
        ins[self._bottom].requires_grad_()
        with torch.enable_grad():
            outs: Any = self._module(*ins)
            out = outs[self._top] if isinstance(outs, tuple | list) else outs
            if not out.requires_grad:
                return None
            part = out[(slice(None), slice(None), *(slice(a, b + 1) for a, b in box))]
            factors = (0.1 + torch.rand(part.shape, generator=generator)).to(device)
            total = (part * factors).sum()
            return torch.autograd.grad(total, ins[self._bottom], allow_unused=True)[0]


def union(one: Box | None, other: Box) -> Box:
    """Return the smallest box around both."""
    if one is None:
        return other
    return tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(one, other, strict=True))


def whole(blob: Blob) -> Box:
    """Return the box of all of a blob."""
    return tuple((0, size - 1) for size in (blob.shape or ())[2:])
