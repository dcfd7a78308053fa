"""Batches of a Data layer: records of a database, transformed."""

import numpy as np

from netdef.data.datum import color_of, parse, pixels, stack
from netdef.data.faults import DataFault, missing
from netdef.data.lmdb_source import LmdbSource, Record, show_key
from netdef.data.randomness import below, draw
from netdef.data.transformer import transformer
from netdef.ir import Layer
from netdef.schema import pb
from netdef.source.locate import locate, shown


class DataFeed:
    """The batches of one Data layer.

    Attributes:
        batch_size: Records per batch.
    """

    own = "data_param"

    def __init__(self, layer: Layer, referring: str | None, seed: int) -> None:
        """Open the database and read the mean.

        Args:
            layer: The layer.
            referring: The file of its net, where files that it names are looked for.
            seed: The seed of the run.

        Raises:
            DataFault: The source or the mean is not there, or the fields make no sense.
        """
        p = layer.message.data_param
        path = locate(p.source, referring)
        if path is None:
            raise missing("the database", p.source, referring)
        self.batch_size: int = p.batch_size
        self._labelled = len(layer.tops) > 1
        self._source = LmdbSource(path)
        self._transformer = transformer(layer.message.transform_param, layer.phase, referring)
        self._color = color_of(layer.message)
        self._seed = seed
        self._stream = f"{layer.name}/transform"
        self._skip = 0
        if p.rand_skip:
            words = draw(seed, f"{layer.name}/rand_skip", 0, 1)
            self._skip = int(below(words[0, 0], p.rand_skip))

    def batch(self, records: range) -> list[np.ndarray]:
        """Return images (N, C, H, W) and, if there is a top for them, labels (N,), both float32.

        Args:
            records: Their numbers, from the start of the first pass.

        Raises:
            DataFault: A record is damaged or does not fit the others.
        """
        start, stop, step = records.start, records.stop, records.step
        read = self._source.read(self._skip + start, stop - start)[::step]
        images, labels = self._decoded(read)
        words = draw(self._seed, self._stream, start, stop - start)[::step]
        out = [self._transformer(images, words)]
        return [*out, labels] if self._labelled else out

    def _decoded(self, records: list[Record]) -> tuple[np.ndarray | list[np.ndarray], np.ndarray]:
        datums = [self._parsed(record) for record in records]
        labels = np.array([datum.label for datum in datums], np.float32)
        images = stack(datums)
        if images is not None:
            return images, labels
        single = [self._pixels(*pair) for pair in zip(records, datums, strict=True)]
        same = len({image.shape for image in single}) == 1
        return np.stack(single) if same else single, labels

    def _parsed(self, record: Record) -> pb.Datum:
        try:
            return parse(record[1])
        except DataFault as fault:
            raise self._named(record, fault) from None

    def _pixels(self, record: Record, datum: pb.Datum) -> np.ndarray:
        try:
            return pixels(datum, self._color)
        except DataFault as fault:
            raise self._named(record, fault) from None

    def _named(self, record: Record, fault: DataFault) -> DataFault:
        place = f"record `{show_key(record[0])}` of {shown(self._source.path)}"
        return DataFault(f"{place} {fault}", fault.rule, fault.field, fault.note)

    def close(self) -> None:
        """Close the database."""
        self._source.close()
