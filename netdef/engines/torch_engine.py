"""Inference by torch."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from netdef.source import NetdefError, error
from netdef.torch_backend.executable import Executable

_COMPILER = ("torch._dynamo", "torch._inductor")
"""Where the exceptions are from that torch.compile raises."""


class TorchEngine:
    """Runs a torch program without gradients."""

    def __init__(self, exe: Executable, blobs: Sequence[str] | None = None) -> None:
        """Run `exe` for some of its blobs; the outputs if None."""
        self.exe = exe
        self.blobs = list(exe.net.outputs if blobs is None else blobs)

    def run(
        self, inputs: Mapping[str, Any], blobs: Iterable[str] | None = None
    ) -> dict[str, Tensor]:
        """Return blobs by name; see `Engine.run`."""
        wanted = self.blobs if blobs is None else list(blobs)
        with torch.no_grad(), compiler_faults():
            return self.exe.run(inputs, wanted)


@contextmanager
def compiler_faults() -> Generator[None]:
    """Say in one line that torch.compile failed; its own message has hundreds.

    Raises:
        NetdefError: It did (rule `no-compiler`).
    """
    try:
        yield
    except Exception as fault:  # torch raises exceptions of many kinds
        if not type(fault).__module__.startswith(_COMPILER):
            raise
        reason = str(fault).strip().split("\n")[0]
        text = f"torch.compile cannot compile the net: {reason}"
        note = "take the engine `optimized` or `onnxruntime`"
        raise NetdefError(error("no-compiler", text, note=note)) from fault
