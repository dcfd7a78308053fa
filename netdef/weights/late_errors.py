"""A file for the HDF5 library to write, which never hears of a full or broken disk."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def late_errors(path: str | os.PathLike[str]) -> Generator[Any]:
    """Give a file object for `h5py.File`; the first error of the disk is raised at the end.

    After an error of the disk, libhdf5 cannot close its objects any more; it prints a traceback for
    each, and ends the process with a segmentation fault. So it is told that all is well.

    Raises:
        OSError: Something could not be written.
    """
    with open(path, "w+b", buffering=0) as raw:
        file = _Patient(raw)
        yield file
        if file.fault is not None:
            raise file.fault


class _Patient:
    """What h5py asks of a file, without errors when writing."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.fault: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of it, or note that it cannot be written."""
        left = memoryview(data).cast("B")
        whole = len(left)
        try:
            while len(left) and self.fault is None:
                left = left[self._raw.write(left) :]
        except OSError as fault:
            self.fault = fault
        return whole

    def truncate(self, size: int) -> int:
        """Set the size, or note that it cannot be set."""
        try:
            if self.fault is None:
                self._raw.truncate(size)
        except OSError as fault:
            self.fault = fault
        return size

    def __getattr__(self, name: str) -> Any:
        """Return what else a file has."""
        return getattr(self._raw, name)
