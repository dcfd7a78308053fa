"""Looking through sources of every kind: what is in them, and what is broken."""

import sys
from io import BytesIO

import h5py
import numpy as np
import pytest
from PIL import Image

from netdef.data.datum import from_pixels
from netdef.data.examine import Group, Wanted, examine
from netdef.data.lmdb_source import LmdbSource
from netdef.schema import pb
from netdef.source import NetdefError

CLOSELY = Wanted(decode=True)


def encoded(image: np.ndarray, form: str, label: int = 0) -> pb.Datum:
    out = BytesIO()
    Image.fromarray(np.ascontiguousarray(image[::-1].transpose(1, 2, 0))).save(out, form)
    return pb.Datum(data=out.getvalue(), encoded=True, label=label)


def test_a_sound_database(lmdb_of, images):
    path = lmdb_of(images, [0, 1, 2, 0, 1, 2, 0])
    found = examine(path, CLOSELY)
    assert (found.kind, found.size, found.examined, found.faults) == ("LMDB", 7, 7, [])
    assert found.sizes == {"3 x 8 x 10": Group(7, "00000000")}
    assert found.encodings == {"bytes": Group(7, "00000000")}
    assert found.labels == {0: 3, 1: 2, 2: 2}
    assert found.keys == [f"{i:08d}" for i in range(5)]


def test_sizes_and_encodings_that_differ(lmdb_of, images):
    floats = pb.Datum(channels=1, height=1, width=2, float_data=[0.5, 1])
    records = [images[0], encoded(images[1], "png"), floats, encoded(images[2], "jpeg"), images[3]]
    found = examine(lmdb_of(records), CLOSELY)
    assert found.faults == []
    assert found.sizes == {"3 x 8 x 10": Group(4, "00000000"), "1 x 1 x 2": Group(1, "00000002")}
    assert {name: group.count for name, group in found.encodings.items()} == {
        "bytes": 2, "png": 1, "floats": 1, "jpeg": 1,
    }  # fmt: skip


def broken_database(lmdb_of, images):
    cut = encoded(images[0], "png")
    cut.data = cut.data[: len(cut.data) // 2]
    short = pb.Datum(channels=3, height=8, width=10, data=b"x" * 100)
    return lmdb_of([images[0], b"junk!", short, cut, pb.Datum(data=b"?", encoded=True), images[1]])


def test_every_broken_record_is_named(lmdb_of, images):
    path = broken_database(lmdb_of, images)
    found = examine(path, CLOSELY)
    assert [fault.key for fault in found.faults] == [f"{i:08d}" for i in range(1, 5)]
    assert {fault.rule for fault in found.faults} == {"damaged-record"}
    texts = [
        fault.message.removeprefix(f"record `{fault.key}` of {path} ") for fault in found.faults
    ]
    assert texts[0] == "is not a Datum"
    assert texts[1] == "has 100 values, but its sizes say 3 x 8 x 10 = 240"
    assert texts[2].startswith("holds a broken image")
    assert texts[3] == "holds no image"


def test_without_decoding_only_what_is_broken_outside_is_found(lmdb_of, images):
    found = examine(broken_database(lmdb_of, images), Wanted())
    assert [fault.key for fault in found.faults] == ["00000001", "00000002", "00000004"]


@pytest.mark.parametrize(("label", "shown"), [(3, "3"), (-1, "-1")])
def test_labels_beyond_the_classes(lmdb_of, images, label, shown):
    path = lmdb_of(images[:3], [0, label, 2])
    (fault,) = examine(path, Wanted(classes=3)).faults
    assert (fault.key, fault.rule) == ("00000001", "bad-label")
    text = f"record `00000001` of {path} has label {shown}; there are 3 classes, from 0 on"
    assert fault.message == text
    assert examine(path, Wanted()).faults == []


def test_keys_out_of_order(lmdb_of, images, monkeypatch):
    """No sound LMDB hands them out so; a damaged one, or one with an order of its own, does."""
    path = lmdb_of(images)
    read = LmdbSource.read

    def swapped(self, start, count):
        records = read(self, start, count)
        records[2], records[3] = records[3], records[2]
        records[6] = records[5]
        return records

    monkeypatch.setattr(LmdbSource, "read", swapped)
    faults = examine(path, CLOSELY).faults
    assert [(fault.key, fault.rule) for fault in faults] == [
        ("00000002", "key-order"), ("00000005", "key-order"),
    ]  # fmt: skip


def test_more_records_than_are_read_at_a_time(lmdb_of):
    records = [np.full((1, 1, 1), i % 256, np.uint8) for i in range(1000)]
    seen = []

    def track(items, total):
        seen.append(total)
        yield from items

    found = examine(lmdb_of(records, [i % 10 for i in range(1000)]), CLOSELY, track)
    assert (found.examined, found.faults, seen) == (1000, [], [1000])
    assert set(found.labels.values()) == {100}


def test_the_first_records_and_pictures_of_them(lmdb_of, images):
    path = lmdb_of(images)
    found = examine(path, Wanted(most=4, pictures=2))
    assert (found.size, found.examined) == (7, 4)
    assert [picture.label for picture in found.pictures] == ["0", "2"]
    np.testing.assert_array_equal(found.pictures[1].image, images[2])
    assert len(examine(path, Wanted(pictures=100)).pictures) == 7


def test_pictures_of_broken_records(lmdb_of, images):
    pictures = examine(broken_database(lmdb_of, images), Wanted(pictures=6)).pictures
    assert [picture.broken for picture in pictures] == [False, True, True, True, True, False]


def test_a_database_that_ends_too_early(lmdb_of, images, monkeypatch):
    """What can be read is looked at, then the damage is told with the last sound key."""
    path = lmdb_of([images[0]] * 40)
    read = LmdbSource.read

    def damaged(self, start, count):
        if start:
            from netdef.data.faults import DataFault

            raise DataFault("cannot read it: a page is damaged")
        return read(self, start, count)

    monkeypatch.setattr(LmdbSource, "read", damaged)
    found = examine(path, CLOSELY)
    assert (found.size, found.examined) == (40, 32)
    (fault,) = found.faults
    assert fault.message == (
        "cannot read it: a page is damaged; the last record before that is `00000031`"
    )


def test_hdf5_files_and_lists(hdf5_of, tmp_path):
    part = {
        "data": np.zeros((6, 3, 4, 5), np.float32),
        "label": np.array([0, 1, 2, 0, 1, 5], np.float64),
    }
    listing = hdf5_of(part, part)
    found = examine(listing, Wanted(decode=True, classes=3))
    assert (found.kind, found.size, found.examined) == ("list of HDF5 files", 12, 12)
    assert list(found.sizes) == ["data 3 x 4 x 5, label 1"]
    assert list(found.encodings) == ["data float32, label float64"]
    assert found.labels == {0: 4, 1: 4, 2: 2, 5: 2}
    assert [fault.message.split("[")[1] for fault in found.faults] == [
        "5]: has label 5; there are 3 classes, from 0 on"
    ] * 2
    alone = examine(tmp_path / "part0.h5", Wanted(pictures=2))
    assert (alone.kind, alone.size) == ("HDF5", 6)
    assert alone.pictures[0].image.shape == (3, 4, 5)


def test_hdf5_rows_that_are_broken(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        values = file.create_dataset("data", data=np.arange(40.0).reshape(10, 4), chunks=(2, 4),
                                     fletcher32=True)  # fmt: skip
        place = values.id.get_chunk_info(2).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 3] ^= 1
    path.write_bytes(content)
    found = examine(path, CLOSELY)
    assert [fault.key.rpartition("[")[2] for fault in found.faults] == ["4]", "5]"]
    assert found.examined == 10


def test_damaged_hdf5_files(hdf5_of, tmp_path):
    part = {"data": np.zeros((5, 2), np.float32)}
    odd = {"data": np.zeros((5, 2), np.float32), "label": np.zeros(4, np.float32)}
    listing = hdf5_of(part, part, odd)
    (tmp_path / "part1.h5").write_bytes((tmp_path / "part1.h5").read_bytes()[:700])
    found = examine(listing, CLOSELY)
    assert found.examined == 5
    assert "part1.h5" in found.faults[0].message
    assert "differ in their number of rows: `data` 5, `label` 4" in found.faults[1].message
    with pytest.raises(NetdefError, match=r"part1\.h5"):
        examine(tmp_path / "part1.h5", CLOSELY)


def test_image_lists(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (5, 4)).save("a.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    (tmp_path / "list.txt").write_text("a.png 0\nbad.png 1\nnone.png 2\n")
    found = examine(tmp_path / "list.txt", CLOSELY)
    assert (found.kind, found.examined) == ("list of images", 3)
    assert found.encodings["png"].first == "list.txt:1"
    assert [fault.key for fault in found.faults] == ["list.txt:2", "list.txt:3"]
    assert found.faults[1].message == "list.txt:3: `none.png` is not there"


def test_a_leveldb(tmp_path, images):
    plyvel = pytest.importorskip("plyvel")
    database = plyvel.DB(str(tmp_path / "old"), create_if_missing=True)
    for i, image in enumerate(images):
        database.put(b"%08d" % i, from_pixels(image, i).SerializeToString())
    database.close()
    found = examine(tmp_path / "old", CLOSELY)
    assert (found.kind, found.size, found.examined, found.faults) == ("LevelDB", 7, 7, [])


def test_a_damaged_leveldb(tmp_path):
    """What comes before the damage is looked at, and the last sound key is told."""
    plyvel = pytest.importorskip("plyvel")
    path = tmp_path / "old"
    database = plyvel.DB(str(path), create_if_missing=True, compression=None)
    for i in range(300):
        datum = from_pixels(np.full((1, 16, 16), i % 256, np.uint8), 0)
        database.put(b"%08d" % i, datum.SerializeToString())
    database.compact_range()
    database.close()
    (table,) = path.glob("*.ldb")
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    table.write_bytes(content)
    found = examine(path, CLOSELY)
    (fault,) = found.faults
    assert 100 < found.examined < 200
    assert "Corruption" in fault.message
    assert fault.message.endswith(f"the last record before that is `{found.examined - 1:08d}`")


def test_a_leveldb_without_the_package(tmp_path, monkeypatch):
    (tmp_path / "CURRENT").write_text("MANIFEST-000001\n")
    monkeypatch.setitem(sys.modules, "plyvel", None)
    with pytest.raises(NetdefError, match="is a LevelDB; the package") as raised:
        examine(tmp_path, CLOSELY)
    assert raised.value.diagnostics[0].note == "pip install netdef[leveldb]"


def test_what_is_no_source(tmp_path):
    with pytest.raises(NetdefError, match="is not there"):
        examine(tmp_path / "nowhere", CLOSELY)
    with pytest.raises(NetdefError, match="is no database"):
        examine(tmp_path, CLOSELY)
    (tmp_path / "x.png").write_bytes(b"\x89PNG\0\0\0")
    with pytest.raises(NetdefError, match="is no list but a binary file"):
        examine(tmp_path / "x.png", CLOSELY)
