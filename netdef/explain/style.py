"""The content of one image in the style of another.

Gatys, Ecker and Bethge, Image Style Transfer Using Convolutional Neural Networks, 2016: content is
the values of deep blobs, style the correlations between the channels of several blobs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from netdef.explain.inversion import Found, optimised, total_variation
from netdef.torch_backend.executable import Executable


def gram(values: Tensor) -> Tensor:
    """Return the Gram matrix of a blob: (N, C, H, W) to (N, C, C), the mean over the places."""
    flat = values.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def transfer_style(
    exe: Executable,
    feed: Mapping[str, Any],
    source: str,
    style: Any,
    content_blobs: Sequence[str],
    style_blobs: Sequence[str],
    steps: int = 200,
    weight: float = 1.0,
    smoothness: float = 1e-3,
) -> Found:
    """Return the image of `feed`, changed towards the style of another.

    The objective is the squared difference of the content blobs, plus `weight` times that of the
    Gram matrices of the style blobs, each relative to the square of what is wanted and averaged
    over its blobs, plus `smoothness` times the total variation. The start is the image itself.

    Args:
        exe: The net.
        feed: Its inputs; that of `source` is the image.
        source: The input that is changed.
        style: The other image, as the net sees it, (1, C, H, W).
        content_blobs: Blobs whose values stay.
        style_blobs: Blobs whose correlations become those of the other image.
        steps: Steps of Adam.
        weight: How much the style counts against the content.
        smoothness: Weight of the total variation.

    Raises:
        NetdefError: A blob does not exist, or the feed does not fit.
    """
    given = torch.as_tensor(feed[source]).to(exe.device, torch.float32)
    with torch.no_grad():
        contents = exe.run(feed, content_blobs)
        styles = {
            name: gram(values)
            for name, values in exe.run({**feed, source: style}, style_blobs).items()
        }
    spread = (given.max() - given.min()).clamp(min=1e-6)

    def objective(image: Tensor) -> Tensor:
        values = exe.run({**feed, source: image}, [*content_blobs, *style_blobs])
        content = sum(_apart(values[n], contents[n]) for n in content_blobs) / len(content_blobs)
        look = sum(_apart(gram(values[n]), styles[n]) for n in style_blobs) / len(style_blobs)
        return content + weight * look + smoothness * total_variation(image / spread)

    return optimised(given, objective, steps, 0.02 * float(spread))


def _apart(found: Tensor, wanted: Tensor) -> Tensor:
    return (found - wanted).square().sum() / wanted.square().sum().clamp(min=1e-12)
