"""Running a net over batches, and the means of what comes out."""

from collections.abc import Iterable

import torch
from torch import Tensor

from netdef.torch_backend.executable import Executable
from netdef.training.events import Scores
from netdef.training.randomness import seed_torch
from netdef.training.workers import Workers


@torch.no_grad()
def evaluate(
    model: Executable,
    batches: Iterable[tuple[int, dict[str, Tensor]]],
    iterations: int,
    seed: int = 0,
    first: int = 0,
    workers: Workers | None = None,
) -> Scores:
    """Return the mean of every element of every output, over batches of equal weight.

    Args:
        model: The net.
        batches: The batches, each with its number; those of this worker.
        iterations: How many there are with those of all workers.
        seed: Seed of layers that draw.
        first: What is added to a batch's number to make the counter of its draws.
        workers: Who takes part.
    """
    totals: dict[str, Tensor] = {}
    for number, batch in batches:
        seed_torch(seed, first + number)
        for name, value in model(batch).items():
            value = value.double().flatten()
            totals[name] = totals[name] + value if name in totals else value
    if workers is not None and workers.count > 1:
        totals = {name: workers.total(totals[name]) for name in sorted(totals)}
    return {name: (total / iterations).tolist() for name, total in totals.items()}
