"""The original MNIST files, written here in small, and all that can be wrong with them."""

import gzip
import os
import struct

import numpy as np
import pytest

from netdef.data.datum import parse, stack
from netdef.data.lmdb_source import LmdbSource
from netdef.data.mnist import write_mnist
from netdef.source import NetdefError


def idx(values: np.ndarray) -> bytes:
    shape = values.shape
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values.tobytes()


def arrays(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(seed)
    images = random.randint(0, 256, (count, 28, 28)).astype(np.uint8)
    return images, random.randint(0, 10, count).astype(np.uint8)


TRAIN, TEST = arrays(20, 0), arrays(7, 1)


@pytest.fixture(params=["", ".gz"], ids=["plain", "gz"])
def folder(request, tmp_path):
    """The four files; `ending` tells how they end."""
    source = tmp_path / "idx"
    source.mkdir()
    for part, (images, labels) in (("train", TRAIN), ("t10k", TEST)):
        put(source / f"{part}-images-idx3-ubyte{request.param}", idx(images))
        put(source / f"{part}-labels-idx1-ubyte{request.param}", idx(labels))
    return source, request.param


def put(path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def test_the_databases(folder, tmp_path):
    source, _ = folder
    counts = write_mnist(tmp_path / "out", source)
    assert counts == {
        tmp_path / "out/mnist_train_lmdb": 20,
        tmp_path / "out/mnist_test_lmdb": 7,
    }
    for path, (images, labels) in zip(counts, (TRAIN, TEST), strict=True):
        records = LmdbSource(path).read(0, len(images))
        assert [key for key, _ in records] == [b"%08d" % i for i in range(len(images))]
        datums = [parse(value) for _, value in records]
        np.testing.assert_array_equal(stack(datums)[:, 0], images)
        assert [datum.label for datum in datums] == labels.tolist()


def test_files_with_a_dot_in_their_names(folder, tmp_path):
    source, _ = folder
    for path in list(source.iterdir()):
        path.rename(source / path.name.replace("-idx", ".idx"))
    assert sum(write_mnist(tmp_path, source).values()) == 27


IMAGES = idx(TEST[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(TEST[1]), "starts with 0x00000801 instead of 0x00000803"),
        (b"\0\0", "ends too early"),
        (IMAGES[:4] + struct.pack(">3I", 2**31, 2**31, 28), "its header speaks of 129,127,208,5"),
        (IMAGES[:4] + struct.pack(">3I", 0, 28, 28), "is empty"),
        (idx(TEST[0][:6]), "holds 6 images, but .* 7 labels"),
    ],
    ids=["magic", "short", "huge", "empty", "count"],
)
def test_files_that_make_no_sense(folder, tmp_path, content, message):
    source, ending = folder
    put(source / f"t10k-images-idx3-ubyte{ending}", content)
    with pytest.raises(NetdefError, match=message):
        write_mnist(tmp_path / "out", source)
    assert os.listdir(tmp_path) == ["idx"]  # not even the training part is left behind


@pytest.mark.parametrize(("cut", "more"), [(-1, b""), (None, b"x")], ids=["short", "long"])
def test_files_of_another_length(folder, tmp_path, cut, more):
    source, ending = folder
    put(source / f"t10k-images-idx3-ubyte{ending}", IMAGES[:cut] + more)
    packed = "goes on after" if more else "ends too early"
    message = packed if ending else r"bytes; its header speaks of 5,504"
    with pytest.raises(NetdefError, match=message):
        write_mnist(tmp_path / "out", source)


def test_a_damaged_gz_file(folder, tmp_path):
    source, ending = folder
    path = source / "train-images-idx3-ubyte.gz"
    packed = bytearray(gzip.compress(idx(TRAIN[0])))
    if not ending:
        (source / "train-images-idx3-ubyte").unlink()
    packed[2000:2100] = bytes(100)
    path.write_bytes(packed)
    with pytest.raises(NetdefError, match=r"cannot read .*gz"):
        write_mnist(tmp_path / "out", source)
    assert os.listdir(tmp_path) == ["idx"]


def test_a_missing_file(folder, tmp_path):
    source, ending = folder
    (source / f"t10k-labels-idx1-ubyte{ending}").unlink()
    with pytest.raises(NetdefError) as raised:
        write_mnist(tmp_path / "out", source)
    wanted = "holds neither t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte.gz"
    assert wanted in raised.value.diagnostics[0].message
    assert os.listdir(tmp_path) == ["idx"]


def test_nothing_is_replaced_unasked(folder, tmp_path):
    source, _ = folder
    write_mnist(tmp_path, source)
    with pytest.raises(NetdefError, match="mnist_train_lmdb is there already"):
        write_mnist(tmp_path, source)
    assert sum(write_mnist(tmp_path, source, force=True).values()) == 27
