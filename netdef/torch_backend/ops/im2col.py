"""Windows laid out as channels."""

from itertools import chain

from torch import Tensor, nn
from torch.nn import functional


class Im2col(nn.Module):
    """Map (*batch, C, *sizes) to (*batch, C x taps, *places): at each place its window.

    The axes before `axis` are a batch, those after it are as many spatial axes as `kernel` has.
    """

    def __init__(
        self,
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        axis: int = 1,
    ) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        first, axes = self.axis + 1, len(self.kernel)
        x = functional.pad(x, list(chain.from_iterable((p, p) for p in reversed(self.padding))))
        for i in range(axes):
            reach = self.dilation[i] * (self.kernel[i] - 1) + 1
            x = x.unfold(first + i, reach, self.stride[i])[..., :: self.dilation[i]]
        places = range(first, first + axes)
        x = x.permute(*range(first), *range(first + axes, first + 2 * axes), *places)
        return x.flatten(self.axis, self.axis + axes)

    def extra_repr(self) -> str:
        """Describe the windows."""
        return (
            f"{self.kernel}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, axis={self.axis}"
        )
