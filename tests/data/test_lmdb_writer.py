"""Databases are written whole or not at all."""

import os

import lmdb
import pytest

from netdef.data import lmdb_writer
from netdef.data.lmdb_source import LmdbSource
from netdef.data.lmdb_writer import LmdbWriter
from netdef.source import NetdefError


def write(path, count=3, force=False, value=b"v"):
    with LmdbWriter(path, force) as writer:
        for i in range(count):
            writer.put(b"%08d" % i, value)
    return writer


def test_what_is_written(tmp_path):
    path = tmp_path / "made/for/it/x_lmdb"
    assert write(path, 2345).count == 2345
    records = LmdbSource(path).read(0, 2345)
    assert records == [(b"%08d" % i, b"v") for i in range(2345)]
    assert os.listdir(path) == ["data.mdb"]
    assert os.listdir(path.parent) == ["x_lmdb"]


def test_the_map_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(lmdb_writer, "_MAP_SIZE", 64 * 1024)
    write(tmp_path / "x", 2000, value=b"x" * 5000)
    source = LmdbSource(tmp_path / "x")
    assert source.size == 2000
    assert all(value == b"x" * 5000 for _, value in source.read(0, 2000))
    assert (tmp_path / "x/data.mdb").stat().st_size > 10_000_000


def test_an_exception_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), LmdbWriter(tmp_path / "made/x") as writer:
        for i in range(1500):
            writer.put(b"%08d" % i, b"v")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_an_exception_leaves_what_was_there(tmp_path):
    write(tmp_path / "x", 3)
    with pytest.raises(KeyboardInterrupt), LmdbWriter(tmp_path / "x", force=True) as writer:
        writer.put(b"0", b"v")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["x"]
    assert LmdbSource(tmp_path / "x").size == 3


def test_nothing_is_replaced_unasked(tmp_path):
    write(tmp_path / "x", 3)
    with pytest.raises(NetdefError, match="x is there already") as raised:
        LmdbWriter(tmp_path / "x")
    assert raised.value.diagnostics[0].rule == "already-there"
    assert raised.value.diagnostics[0].note == "remove it, or let it be replaced with --force"


def test_force_replaces_a_database(tmp_path):
    write(tmp_path / "x", 3)
    reading = LmdbSource(tmp_path / "x")
    write(tmp_path / "x", 4, force=True)
    assert reading.read(0, 1) == [(b"00000000", b"v")]  # a reader keeps what it has opened
    reading.close()
    del reading
    assert LmdbSource(tmp_path / "x").size == 4
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("name", ["folder", "file"])
def test_force_replaces_nothing_but_databases(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/data.mdb").touch()
    (tmp_path / "folder/thesis.tex").touch()
    (tmp_path / "file").touch()
    with pytest.raises(NetdefError, match="is not an LMDB"):
        LmdbWriter(tmp_path / name, force=True)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NetdefError, match=r"cannot write .*file/x: Not a directory") as raised:
        write(tmp_path / "file/x")
    assert raised.value.diagnostics[0].rule == "cannot-write"


def test_no_space_left(tmp_path, monkeypatch):
    def full(*_):
        raise lmdb.DiskError("No space left on device")

    monkeypatch.setattr(LmdbWriter, "_put_pending", full)
    with pytest.raises(NetdefError, match=r"cannot write .*x: No space left on device"):
        write(tmp_path / "x")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("keys", [(b"b", b"a"), (b"a", b"a")], ids=["descending", "twice"])
def test_keys_have_to_ascend(tmp_path, keys):
    with pytest.raises(ValueError, match="is not greater"), LmdbWriter(tmp_path / "x") as writer:
        for key in keys:
            writer.put(key, b"v")
    assert os.listdir(tmp_path) == []
