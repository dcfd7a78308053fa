"""The processes that train one net together, under torchrun; often there is only this one."""

import os
import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from netdef.data.share import Share
from netdef.torch_backend.executable import Executable
from netdef.torch_backend.gradient import layers_with_gradient
from netdef.training.passes import Objective


class Workers:
    """This process among those that torch.distributed was initialised with, or alone.

    As in the reference, each has batches of the size that the net says, of records of its own: the
    gradient is the mean over all. The weights start as those of the first; statistics (BatchNorm's)
    are each one's own, and those of the first are kept.

    Attributes:
        count: How many processes there are.
        rank: The number of this one, from 0.
    """

    def __init__(self) -> None:
        together = dist.is_available() and dist.is_initialized()
        self.count = dist.get_world_size() if together else 1
        self.rank = dist.get_rank() if together else 0

    @property
    def first(self) -> bool:
        """Whether this one writes files."""
        return self.rank == 0

    def device(self, chosen: torch.device) -> torch.device:
        """Return a device of this process's own, of the kind that was chosen."""
        if self.count == 1 or chosen.type != "cuda" or chosen.index is not None:
            return chosen
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))

    def share(self, by: str = "records") -> Share:
        """Return this one's share of the data, in records or in whole batches."""
        return Share(self.rank, self.count, by == "batches")

    def number(self, index: int) -> int:
        """Return a number for pass `index` that no other process has for any pass."""
        return index * self.count + self.rank

    def agree_on(self, number: int) -> int:
        """Return the first one's number."""
        return int(self._exchanged(torch.tensor(number), "broadcast"))

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any process; all must ask."""
        return flag if self.count == 1 else bool(self._exchanged(torch.tensor(int(flag)), "sum"))

    def total(self, values: Tensor) -> Tensor:
        """Return the sum over all processes."""
        return self._exchanged(values.clone(), "sum")

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over all processes."""
        return values if self.count == 1 else self.total(values) / self.count

    def synchronised(self, objective: Objective) -> nn.Module:
        """Return the objective such that gradients are the mean over all processes."""
        if self.count == 1 or not any(p.requires_grad for p in objective.parameters()):
            return objective
        with warnings.catch_warnings():
            # torch 2.13 has a new name for it, which older ones do not know, and which
            # synchronises the statistics at the start.
            warnings.filterwarnings("ignore", "`broadcast_buffers`", FutureWarning)
            return DistributedDataParallel(
                objective,
                broadcast_buffers=False,
                find_unused_parameters=_has_unused(objective.model),
            )

    def exchanging(self, objective: nn.Module, last: bool) -> AbstractContextManager[Any]:
        """Return the context of a pass: gradients are exchanged in the last one of an iteration."""
        if last or not isinstance(objective, DistributedDataParallel):
            return nullcontext()
        return objective.no_sync()

    def _exchanged(self, values: Tensor, how: str) -> Tensor:
        if self.count == 1:
            return values
        device = torch.device("cpu") if dist.get_backend() == "gloo" else torch.device("cuda")
        moved = values.to(device)
        if how == "broadcast":
            dist.broadcast(moved, 0)
        else:
            dist.all_reduce(moved)
        return moved.to(values.device)


def _has_unused(model: Executable) -> bool:
    """Whether a trained parameter gets no gradient: searching for such costs time in every pass."""
    reached = {p.root for layer in layers_with_gradient(model.net) for p in layer.params or ()}
    own = (p.root for layer in model.net.layers for p in layer.params or ())
    return any(model.tensor_of(p).requires_grad for p in own if p not in reached)
