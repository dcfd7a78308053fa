"""A convolution with any number of batch axes, spatial axes and inputs."""

import torch
from torch import Tensor, nn
from torch.nn import functional

_NATIVE = (functional.conv1d, functional.conv2d, functional.conv3d)


class Convolution(nn.Module):
    """Convolve each input with the same weight of shape (outputs, inputs / groups, *kernel).

    The axes before `axis` are a batch, those after it are as many spatial axes as `kernel` has.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        groups: int = 1,
        bias: bool = True,
        axis: int = 1,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.axis = axis
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, *kernel))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Map each (*batch, inputs, *sizes) to (*batch, outputs, *sizes)."""
        results = tuple(self._one(x) for x in inputs)
        return results[0] if len(results) == 1 else results

    def _one(self, x: Tensor) -> Tensor:
        batch = x.shape[: self.axis]
        x = x.flatten(0, self.axis - 1) if self.axis else x.unsqueeze(0)
        y = _convolve(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )
        return y.unflatten(0, batch) if self.axis else y.squeeze(0)

    def extra_repr(self) -> str:
        """Describe the sizes."""
        return (
            f"{tuple(self.weight.shape)}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, groups={self.groups}, axis={self.axis}"
        )


def _convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> Tensor:
    """Convolve (N, C, *sizes) over all its spatial axes."""
    axes = len(stride)
    if axes <= len(_NATIVE):
        return _NATIVE[axes - 1](x, weight, bias, stride, padding, dilation, groups)
    # Torch stops at three axes. Beyond, it is a sum over the taps of the first spatial axis, each a
    # convolution over the others with that axis moved into the batch.
    x = functional.pad(x, [0, 0] * (axes - 1) + [padding[0]] * 2)
    taps = weight.shape[2]
    size = (x.shape[2] - dilation[0] * (taps - 1) - 1) // stride[0] + 1
    total = None
    for tap in range(taps):
        start = tap * dilation[0]
        seen = x[:, :, start : start + (size - 1) * stride[0] + 1 : stride[0]]
        part = _convolve(
            seen.transpose(1, 2).flatten(0, 1),
            weight[:, :, tap],
            bias if tap == 0 else None,
            stride[1:],
            padding[1:],
            dilation[1:],
            groups,
        )
        total = part if total is None else total + part
    assert total is not None  # noqa: S101 - a kernel has at least one tap
    return total.unflatten(0, (x.shape[0], size)).transpose(1, 2)
