"""The original MNIST files, as train and test databases.

The IDX format is described at http://yann.lecun.com/exdb/mnist/: a magic number (two zero bytes,
the type of the values, the number of axes), the size of each axis, then the values; all big-endian.
"""

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

from netdef.data.lmdb_writer import LmdbWriter
from netdef.schema import pb
from netdef.source import NetdefError, error
from netdef.source.locate import shown

_UNSIGNED_BYTES = 0x08
_INFLATION = 1032
"""Deflate makes at most so many bytes of one."""

_PARTS = (("mnist_train_lmdb", "train"), ("mnist_test_lmdb", "t10k"))


def write_mnist(folder: Path, source: Path, force: bool = False) -> dict[Path, int]:
    """Write `mnist_train_lmdb` and `mnist_test_lmdb` into a folder.

    Args:
        folder: Where the databases go; it is made if need be.
        source: The folder with train-images-idx3-ubyte, train-labels-idx1-ubyte,
            t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each as it is or as .gz. Other data
            sets in the same files (Fashion-MNIST) do as well.
        force: Whether databases that are there are replaced.

    Returns:
        The number of records of each database, by its path.

    Raises:
        NetdefError: A file is not there, is no IDX file, or is of another length than its header
            says; images and labels differ in number; a database is there already.
    """
    found = [
        (name, _find(source, f"{part}-images", 3), _find(source, f"{part}-labels", 1))
        for name, part in _PARTS
    ]
    writers = [LmdbWriter(folder / name, force) for name, _, _ in found]
    with writers[0], writers[1]:
        for writer, (_, images, labels) in zip(writers, found, strict=True):
            _convert(images, labels, writer)
    return {writer.path: writer.count for writer in writers}


def _find(source: Path, part: str, axes: int) -> Path:
    names = [f"{part}{dash}idx{axes}-ubyte" for dash in "-."]
    paths = [source / (name + ending) for name in names for ending in ("", ".gz")]
    for path in paths:
        if path.is_file():
            return path
    text = f"{shown(source)} holds neither {paths[0].name} nor {paths[1].name}"
    raise NetdefError(error("missing-file", text, note="MNIST is four files; all are needed"))


def _convert(images: Path, labels: Path, writer: LmdbWriter) -> None:
    with _idx(images, 3) as (pictures, (count, rows, columns)), _idx(labels, 1) as (classes, size):
        if size[0] != count:
            text = f"{shown(images)} holds {count} images, but {shown(labels)} {size[0]} labels"
            raise _bad(text)
        for number in range(count):
            data = _read(pictures, rows * columns, images)
            label = _read(classes, 1, labels)[0]
            datum = pb.Datum(channels=1, height=rows, width=columns, data=data, label=label)
            writer.put(b"%08d" % number, datum.SerializeToString())
        _ended(pictures, images)
        _ended(classes, labels)


@contextmanager
def _idx(path: Path, axes: int) -> Iterator[tuple[BinaryIO, tuple[int, ...]]]:
    """Open an IDX file; give the stream, placed at the first value, and the sizes of the axes."""
    packed = path.suffix == ".gz"
    try:
        with cast("BinaryIO", gzip.open(path)) if packed else path.open("rb") as stream:
            magic, wanted = _read(stream, 4, path), bytes([0, 0, _UNSIGNED_BYTES, axes])
            if magic != wanted:
                text = f"{shown(path)} starts with 0x{magic.hex()} instead of 0x{wanted.hex()}"
                raise _bad(text)
            sizes = struct.unpack(f">{axes}I", _read(stream, 4 * axes, path))
            if min(sizes) < 1:
                raise _bad(f"{shown(path)} is empty: its sizes are {sizes}")
            _check_length(path, 4 + 4 * axes + prod(sizes), packed)
            yield stream, sizes
    except (OSError, EOFError, zlib.error) as fault:
        raise _bad(f"cannot read {shown(path)}: {fault}") from None


def _check_length(path: Path, wanted: int, packed: bool) -> None:
    """Refuse sizes that the file cannot hold, before memory is taken for them."""
    length = path.stat().st_size
    if (wanted > length * _INFLATION) if packed else (wanted != length):
        raise _bad(f"{shown(path)} has {length:,} bytes; its header speaks of {wanted:,}")


def _read(stream: BinaryIO, length: int, path: Path) -> bytes:
    data = stream.read(length)
    if len(data) != length:
        raise _bad(f"{shown(path)} ends too early")
    return data


def _ended(stream: BinaryIO, path: Path) -> None:
    if stream.read(1):
        raise _bad(f"{shown(path)} goes on after the last value that its header speaks of")


def _bad(text: str) -> NetdefError:
    return NetdefError(error("bad-idx", text))
