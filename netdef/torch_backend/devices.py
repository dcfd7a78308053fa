"""The devices of this machine, and what they compute with."""

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from netdef.torch_backend.precision import PRECISIONS

_NEEDED = {"tf32": (8, 0), "bf16": (8, 0), "fp16": (5, 3)}
"""The compute capability from which a GPU has a precision in hardware."""


@dataclass(frozen=True)
class Device:
    """A device that a net can run on.

    Attributes:
        id: What `--device` calls it.
        name: What its maker calls it.
        memory: Bytes of memory, free or not; None where the system does not tell.
        precisions: The precisions that it runs.
        capability: The compute capability of a GPU ("9.0"), the widest vectors of a CPU ("AVX2").
        cores: The processors of a CPU that this process may use, the multiprocessors of a GPU.
    """

    id: str
    name: str
    memory: int | None
    precisions: tuple[str, ...]
    capability: str
    cores: int


def list_devices() -> list[Device]:
    """Return the CPU, then the GPUs that torch can use."""
    return [_cpu(), *map(_gpu, range(torch.cuda.device_count()))]


def name_of(device: torch.device) -> str:
    """Return what its maker calls a device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else _cpu_name()


def memory_of(device: torch.device) -> int | None:
    """Return the bytes of memory there are, free or not; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _cpu() -> Device:
    # On a CPU, tf32 is the same as fp32.
    precisions = tuple(precision for precision in PRECISIONS if precision != "tf32")
    return Device(
        id="cpu",
        name=_cpu_name(),
        memory=memory_of(torch.device("cpu")),
        precisions=precisions,
        capability=torch.backends.cpu.get_cpu_capability(),
        cores=_cores(),
    )


def _gpu(index: int) -> Device:
    found = torch.cuda.get_device_properties(index)
    capability = (found.major, found.minor)
    return Device(
        id=f"cuda:{index}",
        name=found.name,
        memory=found.total_memory,
        precisions=tuple(p for p in PRECISIONS if capability >= _NEEDED.get(p, (0, 0))),
        capability=f"{found.major}.{found.minor}",
        cores=found.multi_processor_count,
    )


def _cpu_name() -> str:
    with suppress(OSError):  # only Linux has this file, and `platform` does not read it
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine() or "CPU"


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system has it
        return os.cpu_count() or 1
