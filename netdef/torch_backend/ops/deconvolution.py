"""A transposed convolution with any number of batch axes, spatial axes and inputs."""

import torch
from torch import Tensor, nn
from torch.nn import functional

_NATIVE = (
    functional.conv_transpose1d,
    functional.conv_transpose2d,
    functional.conv_transpose3d,
)


class Deconvolution(nn.Module):
    """Spread each input by the same weight of shape (inputs, outputs / groups, *kernel).

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
        self.weight = nn.Parameter(torch.empty(inputs, outputs // groups, *kernel))
        self.bias = nn.Parameter(torch.empty(outputs)) if bias else None

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Map each (*batch, inputs, *sizes) to (*batch, outputs, *sizes)."""
        results = tuple(self._one(x) for x in inputs)
        return results[0] if len(results) == 1 else results

    def _one(self, x: Tensor) -> Tensor:
        batch = x.shape[: self.axis]
        x = x.flatten(0, self.axis - 1) if self.axis else x.unsqueeze(0)
        y = _spread(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )
        return y.unflatten(0, batch) if self.axis else y.squeeze(0)

    def extra_repr(self) -> str:
        """Describe the sizes."""
        return (
            f"{tuple(self.weight.shape)}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, groups={self.groups}, axis={self.axis}"
        )


def _spread(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
) -> Tensor:
    """Spread (N, C, *sizes) over all its spatial axes."""
    axes = len(stride)
    if axes <= len(_NATIVE):
        return _NATIVE[axes - 1](x, weight, bias, stride, padding, (0,) * axes, groups, dilation)
    # Torch stops at three axes. Beyond, it is a sum over the taps of the first spatial axis, each
    # spread over the others with that axis moved into the batch, then set apart by the stride.
    items, size = x.shape[0], x.shape[2]
    slices = x.transpose(1, 2).flatten(0, 1)
    taps = weight.shape[2]
    inner = [0, 0] * (axes - 1)
    total = None
    for tap in range(taps):
        part = _spread(
            slices, weight[:, :, tap], None, stride[1:], padding[1:], dilation[1:], groups
        )
        part = part.unflatten(0, (items, size)).transpose(1, 2).unsqueeze(3)
        part = functional.pad(part, [*inner, 0, stride[0] - 1]).flatten(2, 3)
        part = part[:, :, : (size - 1) * stride[0] + 1]
        ends = [tap * dilation[0], (taps - 1 - tap) * dilation[0]]
        part = functional.pad(part, [*inner, *ends])
        total = part if total is None else total + part
    assert total is not None  # noqa: S101 - a kernel has at least one tap
    y = total[:, :, padding[0] : total.shape[2] - padding[0]]
    return y if bias is None else y + bias.reshape(-1, *[1] * axes)
