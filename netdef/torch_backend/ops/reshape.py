"""Caffe's Reshape."""

from math import prod

from torch import Tensor, nn


class Reshape(nn.Module):
    """Replace the axes from `start` up to `end` by `dims`.

    In `dims`, 0 keeps the extent of the input's axis at the same place and one -1 takes what is
    left. The result is a view where torch can make one.
    """

    def __init__(self, dims: tuple[int, ...], start: int, end: int) -> None:
        super().__init__()
        self.dims = dims
        self.start = start
        self.end = end

    def forward(self, x: Tensor) -> Tensor:
        shape = tuple(x.shape)
        start, end = self.start, self.end
        new = [shape[start + i] if d == 0 else d for i, d in enumerate(self.dims)]
        if -1 in self.dims:
            # Axes that are kept cancel out, so that this works with an empty batch too.
            kept = {start + i for i, d in enumerate(self.dims) if d == 0}
            # Lists, for torch.compile cannot follow a generator into `prod`.
            left = prod([shape[a] for a in range(start, end) if a not in kept])
            known = [shape[a] for a in kept if a >= end] + [d for d in self.dims if d > 0]
            new[self.dims.index(-1)] = left // prod(known)
        return x.reshape((*shape[:start], *new, *shape[end:]))

    def extra_repr(self) -> str:
        """Describe the shape."""
        return f"{self.dims}, axes {self.start} to {self.end}"
