"""A part of the size of another blob."""

from torch import Tensor, nn


class Crop(nn.Module):
    """Cut the axes from `axis` on to the sizes of the second input, from `offsets` on."""

    def __init__(self, axis: int, offsets: tuple[int, ...]) -> None:
        super().__init__()
        self.axis = axis
        self.offsets = offsets

    def forward(self, x: Tensor, like: Tensor) -> Tensor:
        for axis, offset in enumerate(self.offsets, self.axis):
            x = x.narrow(axis, offset, like.shape[axis])
        return x

    def extra_repr(self) -> str:
        """Describe the cut."""
        return f"axis={self.axis}, offsets={self.offsets}"
