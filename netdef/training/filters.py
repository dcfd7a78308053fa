"""The filters of the first layer that sees images, as one picture."""

from collections.abc import Iterable

import torch
from torch import Tensor

from netdef.ir import Param

_TILE = 32
"""Least edge of a filter in the picture, pixels."""
_MOST = 1024
"""Filters shown, the first ones."""
_IMAGE_CHANNELS = (1, 3)


def first_filters(params: Iterable[Param]) -> Param | None:
    """Return the first parameter of four axes that reads grey or colour images, None without."""
    for param in params:
        if len(param.shape) == 4 and param.shape[1] in _IMAGE_CHANNELS:
            return param
    return None


def filter_grid(filters: Tensor) -> Tensor:
    """Return filters (N, C, H, W) as one picture (C, height, width) of values in [0, 1].

    All share one scale, so that weak ones look weak. They are enlarged without smoothing and stand
    in rows, about as many as columns, with a line between them. Three channels are taken for blue,
    green, red, as Caffe's images have them, and come out as red, green, blue.
    """
    shown = filters[:_MOST].detach().float().cpu().flip(1)
    low, high = shown.aminmax()
    shown = (shown - low) / (high - low).clamp(min=torch.finfo(torch.float32).tiny)
    times = max(1, -(-_TILE // max(shown.shape[2:])))
    shown = shown.repeat_interleave(times, 2).repeat_interleave(times, 3)
    shown = torch.nn.functional.pad(shown, (1, 0, 1, 0), value=1.0)
    count, channels, height, width = shown.shape
    columns = min(count, round((count * height / width) ** 0.5) or 1)
    rows = -(-count // columns)
    page = shown.new_ones(rows * columns, channels, height, width)
    page[:count] = shown
    page = page.reshape(rows, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    page = page.reshape(channels, rows * height, columns * width)
    return torch.nn.functional.pad(page, (0, 1, 0, 1), value=1.0)
