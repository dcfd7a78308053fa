"""Databases: order, wrapping, several readers, and what is no database."""

import os
import stat

import lmdb
import pytest

from netdef.data.faults import DataFault
from netdef.data.lmdb_source import LmdbSource


@pytest.fixture
def five(lmdb_of):
    return lmdb_of([b"value %d" % i for i in range(5)], name="five_lmdb")


def numbers(records):
    assert all(value == b"value %d" % int(key) for key, value in records)
    return [int(key) for key, _ in records]


def test_keys_come_in_order_and_wrap(five):
    source = LmdbSource(five)
    assert source.size == 5
    assert numbers(source.read(0, 3)) == [0, 1, 2]
    assert numbers(source.read(3, 4)) == [3, 4, 0, 1]
    assert numbers(source.read(7, 13)) == [2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("start", [0, 1, 4, 5, 12, 5_000_000_003])
def test_starting_anywhere(five, start):
    source = LmdbSource(five)
    source.read(2, 2)
    assert numbers(source.read(start, 6)) == [(start + i) % 5 for i in range(6)]
    assert source.first() == (b"00000000", b"value 0")


def test_order_is_that_of_the_keys_not_of_writing(tmp_path):
    with lmdb.open(str(tmp_path / "x"), lock=False) as env, env.begin(write=True) as transaction:
        for key in (b"b", b"c", b"a"):
            transaction.put(key, key)
    assert [key for key, _ in LmdbSource(tmp_path / "x").read(0, 3)] == [b"a", b"b", b"c"]


def test_several_readers(five):
    one, two = LmdbSource(five), LmdbSource(five)
    assert numbers(one.read(0, 2)) == [0, 1]
    assert numbers(two.read(0, 3)) == [0, 1, 2]
    one.close()
    assert numbers(two.read(3, 1)) == [3]


def test_reading_leaves_no_trace(five):
    os.chmod(five / "data.mdb", stat.S_IRUSR)
    os.chmod(five, stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert numbers(LmdbSource(five).read(0, 1)) == [0]
        assert os.listdir(five) == ["data.mdb"]
    finally:
        os.chmod(five, stat.S_IRWXU)


def test_the_file_itself_may_be_named(five):
    assert LmdbSource(five / "data.mdb").size == 5


def test_an_empty_database(lmdb_of):
    with pytest.raises(DataFault, match="empty_lmdb holds no records"):
        LmdbSource(lmdb_of([], name="empty_lmdb"))


def test_a_leveldb_is_named(tmp_path):
    (tmp_path / "CURRENT").write_text("MANIFEST-000001\n")
    with pytest.raises(DataFault, match="is a LevelDB, which is not supported") as raised:
        LmdbSource(tmp_path)
    assert raised.value.note == "convert it to LMDB"


def test_another_folder(tmp_path):
    with pytest.raises(DataFault, match=r"is no database: it holds no data\.mdb"):
        LmdbSource(tmp_path)


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"x" * 20_000], ids=len)
def test_another_file(tmp_path, content):
    (tmp_path / "data.mdb").write_bytes(content)
    with pytest.raises(DataFault, match=r"cannot read .* as an LMDB"):
        LmdbSource(tmp_path)


def test_a_database_that_is_cut_short(lmdb_of):
    path = lmdb_of([b"x" * 3000] * 20)
    file = path / "data.mdb"
    length = file.stat().st_size
    os.truncate(file, length - 4096)
    with pytest.raises(DataFault, match=f"is cut short: {length - 4096:,} of {length:,} bytes"):
        LmdbSource(path)
