"""Batches of a Data layer: records of a database, transformed."""

from typing import TYPE_CHECKING

import numpy as np

from netdef.data.bad_records import BadRecords
from netdef.data.database import open_database
from netdef.data.datum import color_of, parse, pixels, stack
from netdef.data.faults import DataFault, missing
from netdef.data.kept_images import LIMIT, KeptImages
from netdef.data.lmdb_source import Record, show_key
from netdef.data.parallel import ordered
from netdef.data.preparation import Preparation
from netdef.data.randomness import below, draw
from netdef.ir import Layer
from netdef.schema import pb
from netdef.source.locate import locate, shown

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from netdef.data.on_device import DeviceImages


class DataFeed:
    """The batches of one Data layer.

    Attributes:
        batch_size: Records per batch.
    """

    own = "data_param"

    def __init__(
        self, layer: Layer, referring: str | None, seed: int, bad: BadRecords | None = None
    ) -> None:
        """Open the database and read the mean.

        Args:
            layer: The layer.
            referring: The file of its net, where files that it names are looked for.
            seed: The seed of the run.
            bad: What to do about damaged records; None ends the run at the first.

        Raises:
            DataFault: The source or the mean is not there, or the fields make no sense.
        """
        p = layer.message.data_param
        path = locate(p.source, referring)
        if path is None:
            raise missing("the database", p.source, referring)
        self.batch_size: int = p.batch_size
        self._labelled = len(layer.tops) > 1
        self._source = open_database(path)
        self._prepare = Preparation(layer, referring, seed)
        # A LevelDB that is too large is not even counted.
        fits = self._source.length <= LIMIT
        self._kept: KeptImages | DeviceImages | None = None
        if fits:
            self._kept = KeptImages(self._source.size)
        self._color = color_of(layer.message)
        self._bad = bad or BadRecords()
        self._skip = 0
        if p.rand_skip:
            words = draw(seed, f"{layer.name}/rand_skip", 0, 1)
            self._skip = int(below(words[0, 0], p.rand_skip))

    def place(self, device: "torch.device") -> None:
        """Keep images, if they fit, and transform them on a device from now on."""
        from netdef.data.on_device import DeviceImages

        self._prepare.place(device)
        if self._kept is not None and self._prepare.on_device is not None:
            self._kept = DeviceImages(self._source.size, self._prepare.on_device)

    def batch(self, records: range) -> "list[np.ndarray | Tensor]":
        """Return images (N, C, H, W) and, if there is a top for them, labels (N,), both float32.

        Args:
            records: Their numbers, from the start of the first pass.

        Raises:
            DataFault: A record is damaged or does not fit the others.
        """
        numbers = range(self._skip + records.start, self._skip + records.stop, records.step)
        images, labels = self._prepare(records, *self._images(numbers))
        return [images, labels] if self._labelled else [images]

    def _images(
        self, numbers: range
    ) -> "tuple[np.ndarray | Tensor | list[np.ndarray], np.ndarray]":
        """Return images and labels, from memory when all are there."""
        if self._kept is None:
            return self._decoded(numbers)
        at = np.array(numbers)
        found = self._kept.find(at)
        if found is None:
            found = self._decoded(numbers)
            self._kept.keep(at, *found)
        return found

    def _decoded(self, numbers: range) -> tuple[np.ndarray | list[np.ndarray], np.ndarray]:
        read = self._source.read(numbers.start, numbers.stop - numbers.start)
        numbered = list(zip(numbers, read[:: numbers.step], strict=True))
        datums = [self._parsed(*pair) for pair in numbered]
        images: np.ndarray | list[np.ndarray] | None = stack(datums)
        if images is None:
            tried = list(ordered(self._tried, datums))
            # Others stand in for the damaged on this thread alone: the source is for one.
            whole = [
                self._stand_in(*pair, image) if isinstance(image, DataFault) else (datum, image)
                for pair, datum, image in zip(numbered, datums, tried, strict=True)
            ]
            datums, images = [datum for datum, _ in whole], [image for _, image in whole]
        return images, np.array([datum.label for datum in datums], np.float32)

    def _parsed(self, number: int, record: Record) -> pb.Datum:
        try:
            return parse(record[1])
        except DataFault as fault:
            return self._stand_in(number, record, fault)[0]

    def _tried(self, datum: pb.Datum) -> np.ndarray | DataFault:
        try:
            return pixels(datum, self._color)
        except DataFault as fault:
            return fault

    def _stand_in(
        self, number: int, record: Record, fault: DataFault
    ) -> tuple[pb.Datum, np.ndarray]:
        """Return the next record that is good, round the end of the database."""
        self._refuse_or_note(record, fault)
        for other in self._source.after(number, record[0]):
            try:
                datum = parse(other[1])
                return datum, pixels(datum, self._color)
            except DataFault as another:
                self._refuse_or_note(other, another)
        text = (
            f"none of the {self._source.size:,} records of {shown(self._source.path)} can be read"
        )
        raise DataFault(text)

    def _refuse_or_note(self, record: Record, fault: DataFault) -> None:
        place = f"record `{show_key(record[0])}` of {shown(self._source.path)}"
        if not self._bad.skip:
            raise DataFault(f"{place} {fault}", fault.rule, fault.field, fault.note) from None
        self._bad.met(self._source.path, record[0], f"{place} {fault}")

    def close(self) -> None:
        """Close the database."""
        self._source.close()
