"""Small databases and nets that read them."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from netdef.data.datum import from_pixels
from netdef.data.lmdb_writer import LmdbWriter
from netdef.data.probe import prober
from netdef.ir import Net
from netdef.passes.pipeline import Request, load_net
from netdef.schema import pb
from netdef.source import SourceFile


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Net]:
    """Load a text as the net tmp_path/net.prototxt."""

    def load(text: str, phase: str = "TEST") -> Net:
        path = str(tmp_path / "net.prototxt")
        return load_net(SourceFile(path, text), phase, Request(probe=prober(path)))

    return load


@pytest.fixture
def lmdb_of(tmp_path: Path) -> Callable[..., Path]:
    """Write tmp_path/NAME: images (C, H, W) of uint8, or Datums, or raw values, in this order."""

    def write(
        records: Iterable[np.ndarray | pb.Datum | bytes],
        labels: Sequence[int] | None = None,
        name: str = "images_lmdb",
    ) -> Path:
        with LmdbWriter(tmp_path / name) as writer:
            for i, record in enumerate(records):
                if isinstance(record, np.ndarray):
                    record = from_pixels(record, i if labels is None else labels[i])
                if isinstance(record, pb.Datum):
                    record = record.SerializeToString()
                writer.put(b"%08d" % i, record)
        return tmp_path / name

    return write


@pytest.fixture
def hdf5_of(tmp_path: Path) -> Callable[..., Path]:
    """Write tmp_path/part0.h5, part1.h5, ... and the list of them, files.txt."""

    def write(*parts: dict[str, np.ndarray]) -> Path:
        names = [f"part{i}.h5" for i in range(len(parts))]
        for name, part in zip(names, parts, strict=True):
            with h5py.File(tmp_path / name, "w") as file:
                for key, values in part.items():
                    file[key] = values
        listing = tmp_path / "files.txt"
        listing.write_text("".join(f"{name}\n" for name in names))
        return listing

    return write


@pytest.fixture
def images() -> np.ndarray:
    """Seven images of 3 x 8 x 10, all different."""
    return np.random.RandomState(0).randint(0, 256, (7, 3, 8, 10)).astype(np.uint8)
