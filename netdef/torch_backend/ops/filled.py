"""Tensors made by fillers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Settings = Mapping[str, Any]
"""A filler's `type` and the fields of FillerParameter that go with it, as plain values."""


class Filled(nn.Module):
    """Makes tensors by fillers, anew in every run; it takes no inputs.

    The tensors have the device and the type that the module was last moved to (`to`, `double`);
    random ones draw from that device's generator.

    Args:
        tops: Shape and filler of each tensor.
    """

    def __init__(self, tops: Sequence[tuple[tuple[int, ...], Settings]]) -> None:
        super().__init__()
        self.tops = tops
        self.device = torch.device("cpu")
        self.dtype = torch.float32

    def forward(self) -> Tensor | tuple[Tensor, ...]:
        """Return the tensor, or a tuple of several."""
        made = [filled(shape, settings, self.dtype, self.device) for shape, settings in self.tops]
        return made[0] if len(made) == 1 else tuple(made)

    def extra_repr(self) -> str:
        """Describe the tensors."""
        return ", ".join(f"{tuple(shape)}: {settings['type']}" for shape, settings in self.tops)

    def _apply(self, fn: Any, recurse: bool = True) -> "Filled":
        """Follow where the parameters of a net are moved to; there is no tensor here to follow."""
        like = fn(torch.empty(0, dtype=self.dtype, device=self.device))
        self.device, self.dtype = like.device, like.dtype
        return super()._apply(fn, recurse)


def filled(
    shape: Sequence[int],
    settings: Settings,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Return a new tensor, filled; random fillers draw from the device's global generator."""
    values = torch.empty(tuple(shape), dtype=dtype, device=device)
    if not values.numel():
        return values
    others = {name: value for name, value in settings.items() if name != "type"}
    return FILLERS[settings["type"]](values, **others)


def _constant(x: Tensor, value: float = 0.0) -> Tensor:
    return x.fill_(value)


def _uniform(x: Tensor, min: float = 0.0, max: float = 1.0) -> Tensor:
    return x.uniform_(min, max)


def _gaussian(x: Tensor, mean: float = 0.0, std: float = 1.0, sparse: int = -1) -> Tensor:
    x.normal_(mean, std)
    if sparse < 0:
        return x
    # Each input goes to `sparse` of the outputs on average; its other weights are 0.
    return x * torch.empty_like(x).bernoulli_(min(1.0, sparse / x.shape[0]))


def _positive_unitball(x: Tensor) -> Tensor:
    rows = x.uniform_().reshape(x.shape[0], -1)
    return (rows / rows.sum(1, keepdim=True)).reshape(x.shape)


def _xavier(x: Tensor, variance_norm: str = "FAN_IN") -> Tensor:
    """Glorot and Bengio, Understanding the difficulty of training deep feedforward networks."""
    limit = math.sqrt(3.0 / _fan(x, variance_norm))
    return x.uniform_(-limit, limit)


def _msra(x: Tensor, variance_norm: str = "FAN_IN") -> Tensor:
    """He et al., Delving deep into rectifiers."""
    return x.normal_(0.0, math.sqrt(2.0 / _fan(x, variance_norm)))


def _fan(x: Tensor, variance_norm: str) -> float:
    """Values per output, values per input, or their mean."""
    fan_in = x.numel() / x.shape[0]
    fan_out = x.numel() / (x.shape[1] if x.dim() > 1 else 1)
    return {"FAN_IN": fan_in, "FAN_OUT": fan_out, "AVERAGE": (fan_in + fan_out) / 2}[variance_norm]


def _bilinear(x: Tensor) -> Tensor:
    """Interpolation in square kernels, for a Deconvolution that enlarges."""
    kernel = x.shape[-1]
    factor = math.ceil(kernel / 2)
    centre = (kernel - 1) / (2 * factor)
    steps = torch.arange(kernel, dtype=torch.float64, device=x.device)
    line = 1 - (steps / factor - centre).abs()
    return x.copy_(torch.outer(line, line))


FILLERS = {
    "constant": _constant,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "positive_unitball": _positive_unitball,
    "xavier": _xavier,
    "msra": _msra,
    "bilinear": _bilinear,
}
"""What fills an empty tensor of at least one element, by the filler's type."""
