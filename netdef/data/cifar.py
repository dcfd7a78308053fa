"""The CIFAR-10 and CIFAR-100 data sets, as train and test databases and a mean image.

Of the three published versions only the binary one is read: the one for Python is pickled, and
unpickling runs whatever code the file holds. The format is described at
https://www.cs.toronto.edu/~kriz/cifar.html: a byte per label, then 3,072 bytes of pixels in the
order channel, row, column; the channels are red, green and blue.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netdef.data.archive import Part, bad_archive, open_archive, open_folder
from netdef.data.lmdb_writer import LmdbWriter
from netdef.data.mean_image import MeanImage
from netdef.data.tracking import Track, untracked
from netdef.schema import pb
from netdef.source import NetdefError, error
from netdef.source.locate import shown
from netdef.weights.binaryproto import write_binaryproto

_SIZE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_MOST = 100_000
"""Records that a database's keys of five digits can number; the data sets have 60,000."""


@dataclass(frozen=True)
class _Cifar:
    """What one of the two data sets looks like.

    Attributes:
        name: What databases are called after.
        archive: The published file.
        folder: What it unpacks to.
        train: The files of the training images, all of one length.
        test: The file of the test images.
        classes: Number of classes of each label, in the order of the bytes.
        pickled: The names of the version for Python: archive, folder, one of its files.
    """

    name: str
    archive: str
    folder: str
    train: tuple[str, ...]
    test: str
    classes: tuple[int, ...]
    pickled: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        return *self.train, self.test

    @property
    def record(self) -> int:
        """Bytes of a record."""
        return len(self.classes) + _PIXELS


_CIFAR10 = _Cifar(
    name="cifar10",
    archive="cifar-10-binary.tar.gz",
    folder="cifar-10-batches-bin",
    train=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    test="test_batch.bin",
    classes=(10,),
    pickled=("cifar-10-python.tar.gz", "cifar-10-batches-py", "data_batch_1"),
)
_CIFAR100 = _Cifar(
    name="cifar100",
    archive="cifar-100-binary.tar.gz",
    folder="cifar-100-binary",
    train=("train.bin",),
    test="test.bin",
    classes=(20, 100),
    pickled=("cifar-100-python.tar.gz", "cifar-100-python", "train"),
)


def write_cifar10(
    folder: Path, source: Path, force: bool = False, track: Track = untracked
) -> dict[Path, int]:
    """Write `cifar10_train_lmdb`, `cifar10_test_lmdb` and `mean.binaryproto` into a folder.

    Databases and mean are those of Caffe's example: channels stay red, green, blue, keys have five
    digits, and the mean is that of the training images.

    Args:
        folder: Where they go; it is made if need be.
        source: The published archive cifar-10-binary.tar.gz, what it unpacks to, or a folder with
            one of the two.
        force: Whether what is there is replaced.
        track: Is told how far it is.

    Returns:
        The number of records of each database, by its path.

    Raises:
        NetdefError: The data set is not there, is damaged, or is the version for Python; something
            is there already.
    """
    return _write(_CIFAR10, 0, folder, source, force, track)


def write_cifar100(
    folder: Path,
    source: Path,
    coarse: bool = False,
    force: bool = False,
    track: Track = untracked,
) -> dict[Path, int]:
    """Write `cifar100_train_lmdb`, `cifar100_test_lmdb` and `mean.binaryproto` into a folder.

    Args:
        folder: Where they go; it is made if need be.
        source: The published archive cifar-100-binary.tar.gz, what it unpacks to, or a folder with
            one of the two.
        coarse: Whether labels are the 20 superclasses in place of the 100 classes.
        force: Whether what is there is replaced.
        track: Is told how far it is.

    Returns:
        The number of records of each database, by its path.

    Raises:
        NetdefError: As `write_cifar10`.
    """
    return _write(_CIFAR100, 0 if coarse else 1, folder, source, force, track)


def _write(
    cifar: _Cifar, label: int, folder: Path, source: Path, force: bool, track: Track
) -> dict[Path, int]:
    train = LmdbWriter(folder / f"{cifar.name}_train_lmdb", force)
    test = LmdbWriter(folder / f"{cifar.name}_test_lmdb", force)
    _check_free(folder / "mean.binaryproto", force)
    mean = MeanImage()
    with _open(cifar, source) as parts:
        counts = _counts(cifar, parts)
        with train, test:
            for number, image, labels in track(_records(cifar, parts, counts), sum(counts)):
                writer = train if number < sum(counts[:-1]) else test
                datum = pb.Datum(channels=3, height=32, width=32, data=image, label=labels[label])
                writer.put(b"%05d" % writer.count, datum.SerializeToString())
                if writer is train:
                    pixels = np.frombuffer(image, np.uint8).reshape(_SIZE)
                    mean.add(pixels, 1)
    write_binaryproto(folder / "mean.binaryproto", mean.image)
    return {writer.path: writer.count for writer in (train, test)}


def _check_free(path: Path, force: bool) -> None:
    if path.exists() and not force:
        note = "remove it, or let it be replaced with --force"
        raise NetdefError(error("already-there", f"{shown(path)} is there already", note=note))


def _open(cifar: _Cifar, source: Path) -> AbstractContextManager[list[Part]]:
    """Open the files of a data set, wherever they are."""
    pickled = [source, *(source / name for name in cifar.pickled)]
    if source.is_file() and source.name not in cifar.pickled:
        return open_archive(source, cifar.files)
    for folder in (source, source / cifar.folder):
        if all((folder / name).is_file() for name in cifar.files):
            return open_folder(folder, cifar.files)
    if (source / cifar.archive).is_file():
        return open_archive(source / cifar.archive, cifar.files)
    for path in pickled:
        if path.name in cifar.pickled and path.exists():
            raise _is_pickled(cifar, path)
    raise _absent(cifar, source)


def _absent(cifar: _Cifar, source: Path) -> NetdefError:
    for folder in (source / cifar.folder, source):
        absent = [name for name in cifar.files if not (folder / name).is_file()]
        if len(absent) < len(cifar.files):
            text = f"{shown(folder)} has no {absent[0]}"
            note = f"the data set is {len(cifar.files)} files; all are needed"
            return NetdefError(error("missing-file", text, note=note))
    text = f"{shown(source)} holds neither {cifar.archive} nor {cifar.folder}"
    return NetdefError(error("missing-file", text, note=_advice(cifar)))


def _is_pickled(cifar: _Cifar, path: Path) -> NetdefError:
    text = f"{shown(path)} is the version for Python, which is pickled: reading it could run code"
    return NetdefError(error("unsupported", text, note=_advice(cifar)))


def _advice(cifar: _Cifar) -> str:
    return f"take the binary version, https://www.cs.toronto.edu/~kriz/{cifar.archive}"


def _counts(cifar: _Cifar, parts: list[Part]) -> list[int]:
    """Return the number of records of each file, by its length; nothing is read."""
    counts: list[int] = []
    for part in parts:
        count, rest = divmod(part.size, cifar.record)
        if rest or not 0 < count <= _MOST:
            text = f"{part.name} has {part.size:,} bytes, which is not a number of records"
            raise bad_archive(f"{text} of {cifar.record:,} bytes", "it may be cut short")
        counts.append(count)
    if len(set(counts[:-1])) > 1:
        odd = min(range(len(counts) - 1), key=counts.__getitem__)
        text = f"{parts[odd].name} has {counts[odd]:,} records, another file {max(counts[:-1]):,}"
        raise bad_archive(text, "all training files are of one length; it may be cut short")
    if sum(counts[:-1]) > _MOST:
        raise bad_archive(f"the training files have {sum(counts[:-1]):,} records")
    return counts


def _records(
    cifar: _Cifar, parts: list[Part], counts: list[int]
) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the number, the pixels and the labels of every record."""
    number = 0
    for part, count in zip(parts, counts, strict=True):
        for place in range(count):
            record = part.read(cifar.record)
            labels = record[: len(cifar.classes)]
            for label, classes in zip(labels, cifar.classes, strict=True):
                if label >= classes:
                    text = f"record {place:,} of {part.name} has label {label}"
                    raise bad_archive(f"{text}; there are {classes} classes")
            yield number, record[len(cifar.classes) :], labels
            number += 1
