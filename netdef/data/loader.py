"""Batches for a net from its own data layers."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from netdef.data.data_feed import DataFeed
from netdef.data.faults import DataFault, diagnostic
from netdef.data.hdf5_feed import Hdf5Feed
from netdef.data.share import WHOLE, Share
from netdef.ir import Layer, Net
from netdef.source import Diagnostic, NetdefError, error


class Feed(Protocol):
    """What makes the batches of one data layer; it holds no position."""

    own: str
    """The block with the layer's own parameters."""
    batch_size: int
    """Records per batch."""

    def batch(self, records: range) -> list[np.ndarray]:
        """Return one array per top, of records by number; raises DataFault."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


_FEEDS: dict[str, Any] = {"Data": DataFeed, "HDF5Data": Hdf5Feed}
"""Makers of feeds by layer type, called with the layer, the net's file and the seed."""

_NOT_READ = ("Input", "DummyData")
"""Sources without records: the one is fed by the caller, the other makes its own numbers."""

_FED_BY_OTHERS = {"Input"}
_FILLS_ITSELF = {"DummyData"}


def batches(
    net: Net,
    seed: int = 0,
    start: int = 0,
    device: str | torch.device | None = None,
    share: Share = WHOLE,
) -> "Batches":
    """Return the endless batches of a net's data layers.

    Args:
        net: A typed net. Tops of Input layers are left out: the caller feeds them. So are those of
            DummyData, which fills itself; a net with no other data gives empty batches.
        seed: Seed of whatever is random: crops, mirroring, shuffling, rand_skip.
        start: How many records were read before, to go on from there: `Batches.cursor`.
        device: Where the tensors are put; None leaves them on the CPU.
        share: Which records of all this process reads.

    Raises:
        NetdefError: A source or mean image is not there or is damaged, a data layer is of a type
            that cannot be read, or the net has none; all such faults are listed.
    """
    return Batches(net, seed, start, device, share)


class Batches(Iterator[dict[str, Tensor]]):
    """Endless iterator over dicts from the name of a top to its tensor, float32.

    Images are (N, C, H, W), labels (N,), rows of HDF5 files (N, ...). All data layers of the net
    are read together, each with its own batch size. The next batch is made by a thread while the
    present one is used; it does not count as read before it is handed out.

    Attributes:
        batch_size: Records per batch of the net's first data layer; 1 where nothing is read.
        cursor: Records that the net's first data layer has read, of all processes. Another data
            layer has read its own part of it, by the ratio of the batch sizes.
    """

    def __init__(
        self,
        net: Net,
        seed: int = 0,
        start: int = 0,
        device: str | torch.device | None = None,
        share: Share = WHOLE,
    ) -> None:
        """Open all sources; see `batches`."""
        self._device = device
        self._share = share
        self._feeds = _open_feeds(net, seed)
        self.batch_size = self._feeds[0][1].batch_size if self._feeds else 1
        self.cursor = start
        self._thread = ThreadPoolExecutor(1, "netdef-data")
        self._waiting: Future[dict[str, Tensor]] | None = None

    def __next__(self) -> dict[str, Tensor]:
        """Return the next batch.

        Raises:
            NetdefError: A record is damaged (its key is named) or does not fit the others.
        """
        ready = self._waiting or self._thread.submit(self._make, self.cursor)
        batch = ready.result()
        self.cursor += self.batch_size * self._share.count
        self._waiting = self._thread.submit(self._make, self.cursor)
        if self._device is None:
            return batch
        return {name: tensor.to(self._device) for name, tensor in batch.items()}

    def _make(self, cursor: int) -> dict[str, Tensor]:
        batch: dict[str, Tensor] = {}
        for layer, feed in self._feeds:
            try:
                start = cursor * feed.batch_size // self.batch_size
                arrays = feed.batch(self._share.records(start, feed.batch_size))
            except DataFault as fault:
                raise NetdefError(diagnostic(layer, feed.own, fault)) from None
            for blob, array in zip(layer.tops, arrays, strict=True):
                batch[blob.name] = torch.from_numpy(array)
        return batch

    def seek(self, cursor: int) -> None:
        """Go on after as many records, read by all processes."""
        if self._waiting is not None and cursor != self.cursor:
            self._waiting.exception()  # waits: the sources are for one thread at a time
            self._waiting = None
        self.cursor = cursor

    def close(self) -> None:
        """Close all sources; no batch can be had afterwards."""
        self._thread.shutdown(cancel_futures=True)
        for _, feed in self._feeds:
            feed.close()


def _open_feeds(net: Net, seed: int) -> list[tuple[Layer, Feed]]:
    referring = net.file.path if net.file else None
    feeds: list[tuple[Layer, Feed]] = []
    faults: list[Diagnostic] = []
    for layer in net.layers:
        if not layer.source or layer.type in _FED_BY_OTHERS | _FILLS_ITSELF:
            continue
        make = _FEEDS.get(layer.type)
        try:
            if make is None:
                text = f"data layers of type {layer.type} cannot be read"
                note = f"these can: {', '.join(sorted(_FEEDS))}"
                raise DataFault(text, "unsupported", "type", note)
            feeds.append((layer, make(layer, referring, seed)))
        except DataFault as fault:
            faults.append(diagnostic(layer, make.own if make else "", fault))
    fills_itself = any(layer.type in _FILLS_ITSELF for layer in net.layers)
    if not feeds and not faults and not fills_itself:
        faults.append(error("no-data", f"the net has no data layer in phase {net.phase}"))
    if faults:
        raise NetdefError(faults)
    return feeds
