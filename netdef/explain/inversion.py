"""The image that a blob's values would come from.

Mahendran and Vedaldi, Understanding Deep Image Representations by Inverting Them, 2015: an input is
changed until the blob has the values wanted; total variation keeps it smooth.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from netdef.torch_backend.executable import Executable


class Found(NamedTuple):
    """An input that was optimised.

    Attributes:
        image: Its values, (1, C, H, W).
        losses: The objective at every step.
    """

    image: Tensor
    losses: list[float]


def invert(
    exe: Executable,
    feed: Mapping[str, Any],
    source: str,
    blob: str,
    steps: int = 200,
    smoothness: float = 1e-3,
    seed: int = 0,
) -> Found:
    """Return an input that gives a blob the values that it has for `feed`.

    The objective is |blob - wanted|^2 / |wanted|^2 + smoothness * total variation of the image in
    units of its spread. The start is noise.

    Args:
        exe: The net.
        feed: Its inputs; that of `source` gives the wanted values, size and spread.
        source: The input that is found again.
        blob: The blob.
        steps: Steps of Adam.
        smoothness: Weight of the total variation.
        seed: Seed of the noise.

    Raises:
        NetdefError: The blob does not exist, or the feed does not fit.
    """
    given = torch.as_tensor(feed[source]).to(exe.device, torch.float32)
    with torch.no_grad():
        wanted = exe.run(feed, [blob])[blob].detach()
    low, high = given.min(), given.max()
    spread = (high - low).clamp(min=1e-6)
    noise = torch.rand(given.shape, generator=torch.Generator().manual_seed(seed)).to(exe.device)
    scale = wanted.square().sum().clamp(min=1e-12)

    def objective(image: Tensor) -> Tensor:
        values = exe.run({**feed, source: image}, [blob])[blob]
        near = (values - wanted).square().sum() / scale
        return near + smoothness * total_variation(image / spread)

    return optimised(low + spread * noise, objective, steps, 0.05 * float(spread))


def optimised(
    start: Tensor, objective: Callable[[Tensor], Tensor], steps: int, rate: float
) -> Found:
    """Return what Adam makes of an image, with the values of the objective; the best is kept.

    Raises:
        ValueError: The objective does not depend on the image.
    """
    image = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=rate)
    losses: list[float] = []
    best = start
    for _ in range(steps):
        with torch.enable_grad():
            loss = objective(image)
            (gradient,) = torch.autograd.grad(loss, image)
        if not losses or loss.item() < min(losses):
            best = image.detach().clone()
        losses.append(loss.item())
        image.grad = gradient
        optimizer.step()
    return Found(best, losses)


def total_variation(image: Tensor) -> Tensor:
    """Return the mean square of the differences of neighbours in (N, C, H, W)."""
    down = (image[:, :, 1:] - image[:, :, :-1]).square().mean()
    across = (image[:, :, :, 1:] - image[:, :, :, :-1]).square().mean()
    return down + across
