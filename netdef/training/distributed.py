"""Joining the processes that torchrun started."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed as dist

from netdef.source import NetdefError, error

_LOST = ("Connection closed", "Connection reset", "Broken pipe", "Connection refused")
"""What gloo says of another process that is gone."""


@contextmanager
def joined() -> Iterator[None]:
    """Take part in torch.distributed while the block runs, where torchrun started this process.

    That is so where WORLD_SIZE is in the environment. Tensors on a GPU are exchanged by nccl, those
    on the CPU by gloo; each process has the GPU of its LOCAL_RANK.

    Raises:
        NetdefError: The others cannot be reached, or one of them ended.
    """
    if "WORLD_SIZE" not in os.environ or dist.is_initialized():
        yield
        return
    _join()
    try:
        yield
    except RuntimeError as fault:
        if not isinstance(fault, dist.DistError) and not any(s in str(fault) for s in _LOST):
            raise
        text = "another process of this training ended, and it cannot go on without"
        note = "its own message tells why; `--resume auto` goes on from the newest snapshot"
        raise NetdefError(error("lost-worker", text, note=note)) from fault
    # Only after a good end: with others gone, this could wait for them for ever. The threads that
    # exchange tensors end with the last thing that refers to them; if they lived on, they could
    # need an interpreter that is ending, and abort it.
    gc.collect()
    dist.destroy_process_group()


def _join() -> None:
    try:
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
            dist.init_process_group("cpu:gloo,cuda:nccl")
        else:
            dist.init_process_group("gloo")
    except (RuntimeError, ValueError, KeyError) as fault:
        text = f"WORLD_SIZE is set, but the other processes cannot be joined: {fault}"
        note = "start with `torchrun --nproc-per-node N -m netdef train ...`, or unset WORLD_SIZE"
        raise NetdefError(error("cannot-join", text, note=note)) from None
