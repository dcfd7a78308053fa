"""Rows of HDF5 files: order, spanning files, shuffling, and files that do not fit."""

from itertools import pairwise

import h5py
import numpy as np
import pytest

from netdef.data.faults import DataFault
from netdef.data.hdf5_source import Hdf5Source, item_shapes, listed_files

ROWS = [4, 1, 3]


@pytest.fixture
def files(hdf5_of):
    """Three files whose rows are numbered through: data (2 x 3 each) and label."""
    parts, first = [], 0
    for rows in ROWS:
        label = np.arange(first, first + rows)
        data = label[:, None, None] + np.linspace(0, 0.5, 6).reshape(2, 3)
        parts.append({"data": data, "label": label.astype(np.int32)})
        first += rows
    return listed_files(hdf5_of(*parts))


def labels(source, start, count):
    data, label = source.read(start, count)
    assert data.dtype == label.dtype == np.float32
    expected = label[:, None, None] + np.linspace(0, 0.5, 6).reshape(2, 3)
    np.testing.assert_allclose(data, expected, rtol=1e-6)  # the datasets stay together
    return label.astype(int).tolist()


def test_rows_come_in_order_across_files_and_wrap(files):
    source = Hdf5Source(files, ["data", "label"])
    assert (source.size, source.shapes) == (8, [(2, 3), ()])
    assert labels(source, 0, 3) == [0, 1, 2]
    assert labels(source, 3, 4) == [3, 4, 5, 6]
    assert labels(source, 7, 10) == [7, 0, 1, 2, 3, 4, 5, 6, 7, 0]
    assert labels(source, 8_000_000_002, 2) == [2, 3]


def test_shuffled_passes_hold_every_row_once(files):
    source = Hdf5Source(files, ["data", "label"], shuffle=True, seed=1, stream="d")
    passes = [labels(source, 8 * epoch, 8) for epoch in range(20)]
    assert all(sorted(rows) == list(range(8)) for rows in passes)
    assert len({tuple(rows) for rows in passes}) == 20
    file_of = [0, 0, 0, 0, 1, 2, 2, 2]
    orders = {tuple(dict.fromkeys(file_of[row] for row in rows)) for rows in passes}
    assert len(orders) == 6  # the files come in every order, ...
    for rows in passes:  # ... and the rows of one file one after the other
        changes = sum(file_of[a] != file_of[b] for a, b in pairwise(rows))
        assert changes == 2


def test_shuffling_depends_on_seed_and_stream_only(files):
    def rows(seed, stream):
        return labels(Hdf5Source(files, ["data", "label"], True, seed, stream), 0, 24)

    assert rows(1, "d") == rows(1, "d")
    assert rows(1, "d") != rows(2, "d")
    assert rows(1, "d") != rows(1, "e")


def test_shuffled_rows_may_be_read_from_anywhere(files):
    whole = labels(Hdf5Source(files, ["data", "label"], True, 5, "d"), 0, 40)
    source = Hdf5Source(files, ["data", "label"], True, 5, "d")
    for start in (33, 2, 9, 0, 17):
        assert labels(source, start, 7) == whole[start : start + 7]


def test_shapes_of_one_file(files):
    assert item_shapes(files[0], ["label", "data"]) == [(), (2, 3)]


def test_a_missing_dataset_with_a_near_name(files):
    with pytest.raises(DataFault, match="no dataset `lable`; it has `data`, `label`") as raised:
        Hdf5Source(files, ["data", "lable"])
    assert raised.value.note == "did you mean `label`?"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([{"x": np.zeros((2, 3))}, {"x": np.zeros((2, 4))}], r"rows of `x` are \(4,\) in .*part1"),
        ([{"x": np.zeros(2), "y": np.zeros(3)}], "differ in their number of rows: `x` 2, `y` 3"),
        ([{"x": np.float32(1)}], "`x` of .* is no array of numbers with rows"),
        ([{"x": np.array([b"text"])}], "is no array of numbers"),
        ([{"x": np.zeros((0, 3))}], "have no rows"),
    ],
    ids=["shapes", "rows", "scalar", "text", "empty"],
)
def test_files_that_do_not_fit(hdf5_of, parts, message):
    with pytest.raises(DataFault, match=message):
        Hdf5Source(listed_files(hdf5_of(*parts)), list(parts[0]))


def test_what_is_no_hdf5(tmp_path):
    (tmp_path / "x.h5").write_text("nothing")
    with pytest.raises(DataFault, match=r"cannot read .*x\.h5 as HDF5"):
        item_shapes(tmp_path / "x.h5", ["data"])


def test_sizes_that_the_file_cannot_hold(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", shape=(2**40, 3), dtype="f4", chunks=(1000, 3))
    with pytest.raises(DataFault, match=r"`x` of .* claims 13,194,139,533,312 bytes, more than"):
        item_shapes(tmp_path / "x.h5", ["x"])


def test_compressed_datasets(hdf5_of, tmp_path):
    values = np.repeat(np.arange(6, dtype=np.float32), 30_000).reshape(6, 30_000)
    listing = hdf5_of({"x": values[:0]})
    with h5py.File(tmp_path / "part0.h5", "w") as file:
        file.create_dataset("x", data=values, compression="gzip")
    (rows,) = Hdf5Source(listed_files(listing), ["x"]).read(4, 4)
    np.testing.assert_array_equal(rows, values[[4, 5, 0, 1]])


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_give_faults(files, seed):
    """Bytes are overwritten at random: what is read is a fault or rows, no other exception."""
    random = np.random.RandomState(seed)
    content = bytearray(files[0].read_bytes())
    for at in random.randint(0, len(content), 1 + seed % 20):
        content[at] = random.randint(256)
    files[0].write_bytes(content)
    try:
        rows = Hdf5Source(files, ["data", "label"], shuffle=bool(seed % 2)).read(0, 10)
    except DataFault:
        return
    assert [r.shape for r in rows] == [(10, 2, 3), (10,)]


def test_a_listing_may_name_files_by_base_name_and_leave_lines_empty(files, tmp_path):
    listing = tmp_path / "list.txt"
    listing.write_text(f"\n{files[1]}\n\n  /elsewhere/part0.h5  \n")
    assert listed_files(listing) == [files[1], files[0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "lists no files"), ("a.h5\n", r"lists a file that is missing: `a\.h5` is not there")],
)
def test_listings_that_lead_nowhere(tmp_path, text, message):
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(DataFault, match=message):
        listed_files(tmp_path / "list.txt")


def test_a_listing_that_cannot_be_read(tmp_path):
    with pytest.raises(DataFault, match=r"cannot read .*: Is a directory"):
        listed_files(tmp_path)
