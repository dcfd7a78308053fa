"""Batches for a net from its own data layers."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from netdef.data.array_feed import ArrayFeed
from netdef.data.bad_records import BadRecords
from netdef.data.data_feed import DataFeed
from netdef.data.faults import DataFault, diagnostic
from netdef.data.hdf5_feed import Hdf5Feed
from netdef.data.image_feed import ImageFeed
from netdef.data.program_feed import ProgramFeed
from netdef.data.share import WHOLE, Share
from netdef.data.window_feed import WindowFeed
from netdef.ir import Layer, Net
from netdef.source import Diagnostic, NetdefError, error


class Feed(Protocol):
    """What makes the batches of one data layer; it holds no position."""

    own: str
    """The block with the layer's own parameters."""
    batch_size: int
    """Records per batch."""

    def place(self, device: torch.device) -> None:
        """Do what can be done there on a device from now on."""
        ...

    def batch(self, records: range) -> Sequence[np.ndarray | Tensor]:
        """Return one array per top, of records by number; raises DataFault."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


_FEEDS: dict[str, Any] = {
    "Data": DataFeed,
    "HDF5Data": Hdf5Feed,
    "ImageData": ImageFeed,
    "WindowData": WindowFeed,
}
"""Makers of feeds by layer type, called with the layer, the net's file, the seed and BadRecords."""

_FED_BY_OTHERS = {"Input", "MemoryData"}
_FILLS_ITSELF = {"DummyData"}

_AHEAD = 2
"""Batches that are made before they are asked for."""


def batches(
    net: Net,
    seed: int = 0,
    start: int = 0,
    device: str | torch.device | None = None,
    share: Share = WHOLE,
    bad: BadRecords | None = None,
    given: Mapping[str, Any] | ProgramFeed | None = None,
) -> "Batches":
    """Return the endless batches of a net's data layers.

    Args:
        net: A typed net. Tops of Input and MemoryData layers are left out unless `given`: the
            caller feeds them. So are those of DummyData, which fills itself; a net with no other
            data gives empty batches.
        seed: Seed of whatever is random: crops, mirroring, shuffling, rand_skip.
        start: How many records were read before, to go on from there: `Batches.cursor`.
        device: Where the tensors are put; None leaves them on the CPU.
        share: Which records of all this process reads.
        bad: What to do about damaged records; None ends the run at the first.
        given: What the program gives for the tops of Input and MemoryData layers.

    Raises:
        NetdefError: A source or mean image is not there or is damaged, a data layer is of a type
            that cannot be read, or the net has none; all such faults are listed.
    """
    return Batches(net, seed, start, device, share, bad, given)


def fed_by_others(net: Net) -> list[Layer]:
    """Return the layers of a net whose tops the program gives, in order."""
    return [layer for layer in net.layers if layer.source and layer.type in _FED_BY_OTHERS]


class Batches(Iterator[dict[str, Tensor]]):
    """Endless iterator over dicts from the name of a top to its tensor, float32.

    Images are (N, C, H, W), labels (N,), rows of HDF5 files (N, ...). All data layers of the net
    are read together, each with its own batch size. The next batches are made by a thread while the
    present one is used; they do not count as read before they are handed out. For a GPU the images
    of small sources are kept there, those of larger ones travel as bytes through pinned memory, and
    whole batches are transformed there. What a function or an
    iterable of the program gives is asked for at the last moment.

    Attributes:
        batch_size: Records per batch of the net's first data layer; where nothing is read, that of
            the first one fed, or 1.
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
        bad: BadRecords | None = None,
        given: Mapping[str, Any] | ProgramFeed | None = None,
    ) -> None:
        """Open all sources; see `batches`."""
        self._device = None if device is None else torch.device(device)
        self._share = share
        self._bad = bad or BadRecords()
        arrays = given if isinstance(given, Mapping) else None
        self._program = given if isinstance(given, ProgramFeed) else None
        fed = fed_by_others(net)
        self._fed = [blob.name for layer in fed for blob in layer.tops] if self._program else []
        self._feeds = _open_feeds(net, seed, self._bad, arrays, bool(self._fed))
        if self._device is not None and self._device.type != "cpu":
            for _, feed in self._feeds:
                feed.place(self._device)
        sizes = [feed.batch_size for _, feed in self._feeds]
        sizes += [blob.shape[0] for layer in fed for blob in layer.tops if blob.shape]
        self.batch_size = max(1, sizes[0]) if sizes else 1
        self.cursor = start
        self._thread = ThreadPoolExecutor(1, "netdef-data")
        self._waiting: deque[Future[dict[str, Tensor]]] = deque()

    def __next__(self) -> dict[str, Tensor]:
        """Return the next batch.

        Raises:
            NetdefError: A record is damaged (its key is named) or does not fit the others.
        """
        given = self._given()
        self._make_ahead()
        batch = self._waiting[0].result() | given  # one that failed stays the next
        self._bad.report()
        self._waiting.popleft()
        self.cursor += self.batch_size * self._share.count
        self._make_ahead()
        if self._device is None:
            return batch
        return {n: tensor.to(self._device, non_blocking=True) for n, tensor in batch.items()}

    def _make_ahead(self) -> None:
        while len(self._waiting) < _AHEAD:
            cursor = self.cursor + len(self._waiting) * self.batch_size * self._share.count
            self._waiting.append(self._thread.submit(self._make, cursor))

    def _given(self) -> dict[str, Tensor]:
        """Return what the program gives for this batch."""
        if self._program is None or not self._fed:
            return {}
        number = self.cursor // self.batch_size
        own = number // self._share.count
        given = self._program.batch(number + self._share.rank, own, self._fed)
        return {name: _tensor(given[name]) for name in self._fed}

    def _make(self, cursor: int) -> dict[str, Tensor]:
        batch: dict[str, Tensor] = {}
        for layer, feed in self._feeds:
            try:
                start = cursor * feed.batch_size // self.batch_size
                arrays = feed.batch(self._share.records(start, feed.batch_size))
            except DataFault as fault:
                raise NetdefError(diagnostic(layer, feed.own, fault)) from None
            for blob, array in zip(layer.tops, arrays, strict=True):
                batch[blob.name] = self._tensor(array)
        return batch

    def _tensor(self, array: np.ndarray | Tensor) -> Tensor:
        tensor = torch.from_numpy(array) if isinstance(array, np.ndarray) else array
        to_gpu = self._device is not None and self._device.type == "cuda"
        return tensor.pin_memory() if to_gpu and tensor.device.type == "cpu" else tensor

    def seek(self, cursor: int) -> None:
        """Go on after as many records, read by all processes."""
        if cursor != self.cursor:
            for waiting in self._waiting:
                waiting.cancel()
            self._waiting.clear()
        self.cursor = cursor

    def close(self) -> None:
        """Close all sources; no batch can be had afterwards."""
        self._thread.shutdown(cancel_futures=True)
        for _, feed in self._feeds:
            feed.close()


def _tensor(values: Any) -> Tensor:
    """Return what the program gave as float32."""
    if not isinstance(values, Tensor):
        array = np.asarray(values, order="C")
        values = torch.from_numpy(array if array.flags.writeable else array.copy())
    return values.float()


def _open_feeds(
    net: Net, seed: int, bad: BadRecords, arrays: Mapping[str, Any] | None, fed: bool
) -> list[tuple[Layer, Feed]]:
    feeds: list[tuple[Layer, Feed]] = []
    faults: list[Diagnostic] = []
    left_out = _FILLS_ITSELF if arrays is not None else _FILLS_ITSELF | _FED_BY_OTHERS
    for layer in net.layers:
        if not layer.source or layer.type in left_out:
            continue
        try:
            feeds.append((layer, _feed(layer, net, seed, bad, arrays or {})))
        except DataFault as fault:
            make = _FEEDS.get(layer.type)
            faults.append(diagnostic(layer, make.own if make else "", fault))
        except NetdefError as several:  # in a file with places of its own
            faults += several.diagnostics
    fills_itself = any(layer.type in _FILLS_ITSELF for layer in net.layers)
    if not (feeds or faults or fills_itself or fed):
        note = "its inputs are given by the program that runs it" if fed_by_others(net) else None
        text = f"the net has no data layer in phase {net.phase}"
        faults.append(error("no-data", text, note=note))
    if faults:
        raise NetdefError(faults)
    return feeds


def _feed(layer: Layer, net: Net, seed: int, bad: BadRecords, arrays: Mapping[str, Any]) -> Feed:
    referring = net.file.path if net.file else None
    if layer.type in _FED_BY_OTHERS:
        return ArrayFeed(layer, arrays, referring, seed)
    make = _FEEDS.get(layer.type)
    if make is None:
        text = f"data layers of type {layer.type} cannot be read"
        note = f"these can: {', '.join(sorted(_FEEDS))}"
        raise DataFault(text, "unsupported", "type", note)
    return make(layer, referring, seed, bad)
