"""Running a net over batches, and the means of what comes out."""

from collections.abc import Iterable
from math import prod

import torch
from torch import Tensor

from netdef.data.loader import batches as read_batches
from netdef.torch_backend.executable import Executable
from netdef.training.events import Evaluation, Scores
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
        # One without batches of its own takes part, too.
        sizes = {name: prod(model.net.blobs[name].shape or ()) for name in model.net.outputs}
        none = {name: torch.zeros(size, dtype=torch.float64) for name, size in sizes.items()}
        totals = {name: workers.total(value) for name, value in {**none, **totals}.items()}
    return {name: (total / iterations).tolist() for name, total in totals.items()}


def run_test(model: Executable, iterations: int) -> Evaluation:
    """Test a net on as many batches of its own data layers, from the first on.

    Under torchrun the batches are shared out among the processes.

    Raises:
        NetdefError: The net has no data layer, or a source is missing or damaged.
    """
    workers = Workers()
    data = read_batches(model.net, device=model.device, share=workers.share("batches"))
    numbers = range(workers.rank, iterations, workers.count)
    scores = evaluate(model, zip(numbers, data, strict=False), iterations, workers=workers)
    data.close()
    return Evaluation(0, 0, scores, {blob.name: weight for blob, weight in model.net.losses})
