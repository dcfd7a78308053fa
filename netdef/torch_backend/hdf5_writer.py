"""Rows appended to datasets of an HDF5 file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from netdef.source import NetdefError, error


class Hdf5Writer:
    """Writes arrays, batch after batch, below each other.

    The first batch makes the file anew; a file that is there and is not an HDF5 file stays.

    Attributes:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        """Write to `path`, relative to the working folder; it is made with the first batch."""
        self.path = Path(path)
        self.begun = False

    def __call__(self, rows: Mapping[str, Any]) -> None:
        """Append a batch of rows to each dataset.

        Args:
            rows: Arrays by the name of their dataset, rows along the first axis.

        Raises:
            NetdefError: The file cannot be written, or is there and of another kind.
        """
        if not self.begun and self.path.exists() and not h5py.is_hdf5(self.path):
            text = f"{self.path} is there and is no HDF5 file; it is not overwritten"
            raise NetdefError(error("cannot-write", text))
        try:
            with h5py.File(self.path, "a" if self.begun else "w") as file:
                for name, array in rows.items():
                    _append(file, name, array)
        except OSError as fault:
            reason = fault.strerror or str(fault)
            raise NetdefError(
                error("cannot-write", f"cannot write {self.path}: {reason}")
            ) from None
        self.begun = True


def _append(file: h5py.File, name: str, array: Any) -> None:
    values = np.asarray(array, np.float32)
    if name not in file:
        file.create_dataset(name, data=values, maxshape=(None, *values.shape[1:]), chunks=True)
        return
    dataset: Any = file[name]
    if dataset.shape[1:] != values.shape[1:]:
        text = f"a row of `{name}` has the shape {values.shape[1:]}, but {dataset.shape[1:]} before"
        raise NetdefError(error("shape-mismatch", text))
    dataset.resize(len(dataset) + len(values), axis=0)
    dataset[len(dataset) - len(values) :] = values
