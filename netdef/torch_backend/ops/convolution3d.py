"""A convolution of clips whose bias has five axes, as in C3D."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Convolution3D(nn.Module):
    """Convolve (N, C, L, H, W) with a weight (outputs, inputs, *kernel).

    `transposed`, it spreads by a weight (inputs, outputs, *kernel). The bias is
    (1, 1, 1, 1, outputs).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, int, int],
        stride: tuple[int, int, int],
        padding: tuple[int, int, int],
        bias: bool = True,
        transposed: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.padding = padding
        self.transposed = transposed
        filters = (inputs, outputs) if transposed else (outputs, inputs)
        self.weight = nn.Parameter(torch.empty(*filters, *kernel))
        self.bias = nn.Parameter(torch.empty(1, 1, 1, 1, outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.flatten()
        convolve = functional.conv_transpose3d if self.transposed else functional.conv3d
        return convolve(x, self.weight, bias, self.stride, self.padding)

    def extra_repr(self) -> str:
        """Describe the sizes."""
        return (
            f"{tuple(self.weight.shape)}, stride={self.stride}, padding={self.padding}, "
            f"transposed={self.transposed}"
        )
