"""Batches of an HDF5Data layer: rows of datasets, as they are."""

import numpy as np

from netdef.data.bad_records import BadRecords
from netdef.data.faults import missing
from netdef.data.hdf5_source import Hdf5Source, listed_files
from netdef.ir import Layer
from netdef.source.locate import locate


class Hdf5Feed:
    """The batches of one HDF5Data layer.

    Attributes:
        batch_size: Rows per batch.
    """

    own = "hdf5_data_param"

    def __init__(
        self, layer: Layer, referring: str | None, seed: int, bad: BadRecords | None = None
    ) -> None:
        """Look into the files.

        Args:
            layer: The layer.
            referring: The file of its net, where the listing is looked for.
            seed: The seed of the run.
            bad: Not used: rows are not coded one by one, and so never damaged alone.

        Raises:
            DataFault: A file is not there, is damaged, or lacks a dataset.
        """
        del bad
        p = layer.message.hdf5_data_param
        listing = locate(p.source, referring)
        if listing is None:
            raise missing("the list of HDF5 files", p.source, referring)
        self.batch_size: int = p.batch_size
        names = [blob.name for blob in layer.tops]
        self._source = Hdf5Source(listed_files(listing), names, p.shuffle, seed, layer.name)

    def place(self, device: object) -> None:
        """Nothing is done on a device: rows are not changed."""

    def batch(self, records: range) -> list[np.ndarray]:
        """Return float32 arrays (N, ...), one per top.

        Args:
            records: Numbers of the rows, from the start of the first pass.

        Raises:
            DataFault: A file cannot be read.
        """
        rows = self._source.read(records.start, records.stop - records.start)
        return rows if records.step == 1 else [values[:: records.step] for values in rows]

    def close(self) -> None:
        """Close the file that is open."""
        self._source.close()
