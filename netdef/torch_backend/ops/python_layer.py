"""A layer of foreign Python code that works on numpy arrays."""

from typing import Any

import torch
from torch import Tensor, nn


class PythonLayer(nn.Module):
    """Hand the bottoms to `host` on the CPU, and its tops back to the device.

    Args:
        host: Has `forward(bottoms, blobs)` and `backward(bottoms, blobs, tops, gradients, wanted)`,
            from and to numpy arrays.
        blobs: Shapes of the parameters, called `blob0`, `blob1`, ...
        tops: Number of tops.
    """

    def __init__(self, host: Any, blobs: list[tuple[int, ...]], tops: int) -> None:
        super().__init__()
        self.host = host
        self.tops = tops
        self.device = torch.device("cpu")
        self.names = [f"blob{index}" for index in range(len(blobs))]
        for name, shape in zip(self.names, blobs, strict=True):
            self.register_parameter(name, nn.Parameter(torch.empty(shape)))

    def forward(self, *bottoms: Tensor) -> Tensor | tuple[Tensor, ...]:
        blobs = [getattr(self, name) for name in self.names]
        made = _Run.apply(self.host, self.device, len(bottoms), *bottoms, *blobs)
        return made[0] if self.tops == 1 else made

    def _apply(self, fn: Any, recurse: bool = True) -> "PythonLayer":
        """Follow where the net is moved to: without bottoms nothing else tells the device."""
        self.device = fn(torch.empty(0, device=self.device)).device
        return super()._apply(fn, recurse)


class _Run(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, host: Any, device: torch.device, count: int, *inputs: Tensor) -> Any:
        arrays = [_array(x) for x in inputs]
        tops = host.forward(arrays[:count], arrays[count:])
        ctx.host, ctx.count, ctx.inputs, ctx.tops = host, count, inputs, tops
        return tuple(torch.from_numpy(top).to(device) for top in tops)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        wanted = list(ctx.needs_input_grad[3:])
        arrays, count = [_array(x) for x in ctx.inputs], ctx.count
        tops = [_array(g) for g in gradients]
        found = ctx.host.backward(arrays[:count], arrays[count:], ctx.tops, tops, wanted[:count])
        flat = [*found[0], *found[1]]
        made = (
            torch.from_numpy(g).to(x) if needed else None
            for g, x, needed in zip(flat, ctx.inputs, wanted, strict=True)
        )
        return (None, None, None, *made)


def _array(x: Tensor) -> Any:
    return x.detach().to("cpu", torch.float32).numpy()
