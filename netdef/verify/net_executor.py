"""A net as netdef computes it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch

from netdef.engines.torch_engine import compiler_faults
from netdef.ir import Blob, Layer, Net, Shape
from netdef.passes.places import place_of
from netdef.torch_backend.executable import Executable
from netdef.verify.executor import Arrays, Maker


class NetExecutor:
    """A program of netdef's; see `Executor`."""

    def __init__(self, name: str, exe: Executable, blobs: Sequence[str] | None = None) -> None:
        """Run `exe`, which shall tell `blobs` only; all of them if None."""
        self.name = name
        self.net: Net | None = exe.net
        net = exe.net
        self.inputs: Mapping[str, Shape | None] = {
            blob: net.blobs[blob].shape for blob in net.inputs
        }
        self.outputs: Sequence[str] | None = net.outputs
        self._exe = exe
        self._blobs = {
            key_of(net, blob): blob
            for layer in net.layers
            if not layer.source
            for blob in layer.tops
            if blobs is None or key_of(net, blob) in blobs
        }
        self.blobs: Mapping[str, Maker] = {
            key: _maker(net.producers[blob]) for key, blob in self._blobs.items()
        }

    def run(self, feed: Arrays, blobs: Collection[str]) -> dict[str, Any]:
        """Return blobs as arrays; see `Executor.run`."""
        wanted = [self._blobs[key] for key in blobs]
        with torch.no_grad(), compiler_faults():
            found = self._exe.trace(feed, wanted)
        arrays = {blob: value.cpu() for blob, value in found.items()}
        return {
            key: (value if value.dtype == torch.float64 else value.float()).numpy()
            for key, value in ((key, arrays[self._blobs[key]]) for key in blobs)
        }


def key_of(net: Net, blob: Blob) -> str:
    """Return what a blob is called: its name, `NAME#VERSION` if a later version has the name."""
    return blob.name if net.blobs[blob.name] is blob else f"{blob.name}#{blob.version}"


def _maker(layer: Layer) -> Maker:
    return Maker(layer.name, layer.type, place_of(layer))
