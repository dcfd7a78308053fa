"""LevelDB: what Caffe writes by default."""

import subprocess
import sys
from itertools import islice

import numpy as np
import pytest

from netdef.data.datum import from_pixels
from netdef.data.faults import DataFault
from netdef.data.leveldb_source import LevelDbSource
from netdef.data.loader import batches
from netdef.schema import pb
from netdef.source import NetdefError

DATA = """layer { name: "d" type: "Data" top: "d" top: "l"
  data_param { source: "images" batch_size: 3 %s } }"""


@pytest.fixture
def plyvel():
    return pytest.importorskip("plyvel", reason="the extra `leveldb` is not installed")


@pytest.fixture
def leveldb(plyvel, tmp_path):
    """Write tmp_path/images: values under the keys 00000000, 00000001, ..."""

    def write(values):
        database = plyvel.DB(str(tmp_path / "images"), create_if_missing=True)
        for i, value in enumerate(values):
            database.put(b"%08d" % i, value)
        database.close()
        return tmp_path / "images"

    return write


def datums(images):
    return [from_pixels(image, i).SerializeToString() for i, image in enumerate(images)]


def keys(records):
    return [int(key) for key, _ in records]


@pytest.mark.parametrize("backend", ["", "backend: LEVELDB", "backend: LMDB"])
def test_what_lies_there_decides(images, leveldb, load, backend):
    leveldb(datums(images))
    net = load(DATA % backend)
    assert net.blobs["d"].shape == (3, 3, 8, 10)
    iterator = batches(net)
    order = np.arange(15) % 7
    taken = list(islice(iterator, 5))
    np.testing.assert_array_equal(np.concatenate([b["d"] for b in taken]), images[order])
    np.testing.assert_array_equal(np.concatenate([b["l"] for b in taken]), order)
    iterator.close()


def test_reading_wraps_around_from_any_place(leveldb):
    path = leveldb([b"v%d" % i for i in range(5)])
    source = LevelDbSource(path)
    assert keys(source.read(0, 12)) == [i % 5 for i in range(12)]
    assert keys(source.read(12, 3)) == [2, 3, 4]
    for start in (0, 3, 4, 5, 11, 104):
        assert keys(source.read(start, 4)) == [(start + i) % 5 for i in range(4)]
        assert keys(LevelDbSource(path).read(start, 4)) == [(start + i) % 5 for i in range(4)]
    assert source.size == 5
    assert LevelDbSource(path).size == 5
    assert source.first() == (b"00000000", b"v0")
    source.close()


def test_what_comes_after_a_record(leveldb):
    source = LevelDbSource(leveldb([b"v"] * 5))
    assert keys(source.after(3, b"00000003")) == [4, 0, 1, 2]
    assert keys(source.after(0, b"00000000")) == [1, 2, 3, 4]


def test_resuming_gives_the_same_batches(images, leveldb, load):
    leveldb(datums(images))
    net = load(DATA % "rand_skip: 5")
    whole = [b["l"].tolist() for b in islice(batches(net, seed=2), 9)]
    for done in range(9):
        again = batches(net, seed=2, start=3 * done)
        assert next(again)["l"].tolist() == whole[done]
        again.close()


def test_a_damaged_record_is_named(images, leveldb, load):
    values = datums(images)
    values[4] = pb.Datum(channels=3, height=8, width=10, data=b"short").SerializeToString()
    leveldb(values)
    iterator = batches(load(DATA % ""))
    next(iterator)
    with pytest.raises(NetdefError, match=r"record `00000004` of .*images has 5 values"):
        next(iterator)


def test_empty(leveldb):
    with pytest.raises(DataFault, match="images holds no records"):
        LevelDbSource(leveldb([]))


def test_damaged(leveldb):
    path = leveldb([b"x"])
    (path / "CURRENT").write_bytes(b"nonsense\n")
    with pytest.raises(DataFault, match=r"cannot read .*images as a LevelDB: "):
        LevelDbSource(path)


def test_in_use_by_another_process(images, leveldb, load):
    path = leveldb(datums(images))
    hold = f"import plyvel; d = plyvel.DB({str(path)!r}); print(flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    other.stdout.readline()
    try:
        net = load(DATA % "")  # checking does without
        assert net.blobs["d"].shape is None
        with pytest.raises(NetdefError, match="another process has opened") as raised:
            batches(net)
        assert raised.value.diagnostics[0].rule == "source-in-use"
    finally:
        other.communicate(b"\n")


def test_without_the_package(tmp_path, load, monkeypatch):
    monkeypatch.setitem(sys.modules, "plyvel", None)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/CURRENT").touch()
    net = load(DATA % "")
    with pytest.raises(NetdefError, match="the package that reads it is not installed") as raised:
        batches(net)
    (found,) = raised.value.diagnostics
    assert (found.rule, found.note) == ("missing-package", "pip install netdef[leveldb]")
    assert (found.span.line, found.span.text) == (2, '"images"')
