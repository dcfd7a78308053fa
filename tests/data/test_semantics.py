"""What the format means for data, one test per sentence of the reference's description.

Each test's docstring is the sentence. Most things have fuller tests of their own elsewhere.
"""

from io import BytesIO
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from netdef.data.loader import batches
from netdef.data.randomness import below, draw, heads
from netdef.data.share import Share
from netdef.data.transformer import Transformer
from netdef.schema import pb
from netdef.source import NetdefError
from netdef.weights.binaryproto import write_binaryproto

DATA = """layer {{ name: "d" type: "Data" top: "d" top: "l"
  data_param {{ source: "images_lmdb" batch_size: {size} {fields} }}
  transform_param {{ {transform} }} }}"""
HDF5 = """layer { name: "h" type: "HDF5Data" top: "x" top: "y"
  hdf5_data_param { source: "files.txt" batch_size: 4 %s } %s }"""


@pytest.fixture
def take(load):
    def take(text, count=1, phase="TRAIN", **options):
        iterator = batches(load(text, phase), **options)
        taken = [{k: v.numpy().copy() for k, v in b.items()} for b in islice(iterator, count)]
        iterator.close()
        return taken

    return take


def data(transform="", size=7, fields=""):
    return DATA.format(transform=transform, size=size, fields=fields)


def offsets(words, spare_rows, spare_columns):
    return int(below(words[1], spare_rows + 1)), int(below(words[2], spare_columns + 1))


def test_value(images, lmdb_of, take):
    """Value = (pixel - mean) * scale."""
    lmdb_of(images)
    (batch,) = take(data("mean_value: 10 scale: 0.25"))
    np.testing.assert_array_equal(batch["d"], (images.astype(np.float32) - 10) * 0.25)


def test_channels(lmdb_of, take):
    """Channels are BGR, layout CHW, bytes 0..255."""
    file = BytesIO()
    pixels = np.array([[[1, 2, 3], [250, 251, 252]]], np.uint8)  # rows, columns, RGB
    Image.fromarray(pixels).save(file, "PNG")
    lmdb_of([pb.Datum(data=file.getvalue(), encoded=True)])
    (batch,) = take(data(size=1))
    assert batch["d"].tolist() == [[[[3, 252]], [[2, 251]], [[1, 250]]]]


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_crop(images, lmdb_of, take, phase):
    """Random crop in TRAIN, centre crop (floor) in TEST."""
    lmdb_of(images)
    places = set()
    for batch in take(data("crop_size: 5"), 20, phase):
        for image, found in zip(images, batch["d"], strict=True):
            (place,) = (
                (i, j)
                for i in range(4)
                for j in range(6)
                if (image[:, i : i + 5, j : j + 5] == found).all()
            )
            places.add(place)
    assert places == {(1, 2)} if phase == "TEST" else len(places) == 24


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_mirror(images, lmdb_of, take, phase):
    """`mirror` flips at random in every phase."""
    lmdb_of(images)
    flipped = []
    for batch in take(data("mirror: true"), 60, phase):
        for image, found in zip(images, batch["d"], strict=True):
            flipped.append(bool((found == image[:, :, ::-1]).all()))
            assert flipped[-1] or (found == image).all()
    assert abs(np.mean(flipped) - 0.5) < 0.1


def test_mean_file_at_the_offset(images, lmdb_of, take, tmp_path):
    """mean_file is subtracted at the crop's own offset."""
    lmdb_of(images)
    mean = np.random.RandomState(1).uniform(0, 255, (3, 8, 10)).astype(np.float32)
    write_binaryproto(tmp_path / "mean.binaryproto", mean)
    (batch,) = take(data('mean_file: "mean.binaryproto" crop_size: 5'), seed=3)
    words = draw(3, "d/transform", 0, 7)
    for image, found, word in zip(images, batch["d"], words, strict=True):
        i, j = offsets(word, 3, 5)
        at = np.s_[:, i : i + 5, j : j + 5]
        np.testing.assert_array_equal(found, image[at].astype(np.float32) - mean[at])


def test_mean_value(images, lmdb_of, take):
    """mean_value is per channel or one for all."""
    lmdb_of(images)
    (batch,) = take(data("mean_value: 1 mean_value: 2 mean_value: 3"))
    np.testing.assert_array_equal(batch["d"], images - np.array([1, 2, 3], "f4")[:, None, None])
    (batch,) = take(data("mean_value: 5"))
    np.testing.assert_array_equal(batch["d"], images - np.float32(5))


def test_what_is_drawn_per_image(images):
    """Per image the transformer draws mirror, then h, then w offset."""
    words = draw(9, "any", 0, 7)
    out = Transformer(mirror=True, crop=(5, 6), train=True)(images, words)
    for image, found, word in zip(images, out, words, strict=True):
        i, j = offsets(word, 3, 4)
        cut = image[:, i : i + 5, j : j + 6]
        np.testing.assert_array_equal(found, cut[:, :, ::-1] if heads(word[0]) else cut)


def test_size_of_the_mean(images, lmdb_of, take, tmp_path):
    """mean_file has the uncropped size."""
    lmdb_of(images)
    write_binaryproto(tmp_path / "mean.binaryproto", np.zeros((3, 5, 5), np.float32))
    with pytest.raises(NetdefError, match="the mean image is 3 x 5 x 5, but the images are 3 x 8"):
        take(data('mean_file: "mean.binaryproto" crop_size: 5'))


def test_rand_skip(images, lmdb_of, take):
    """The reference's Data ignores rand_skip (we honour it)."""
    lmdb_of(images)
    starts = {int(take(data(fields="rand_skip: 3"), seed=s)[0]["l"][0]) for s in range(30)}
    assert starts == {0, 1, 2}


def test_solvers_share_records(images, lmdb_of, take):
    """In TRAIN, solver r of n reads records i % n = r."""
    lmdb_of(images)
    for rank in range(3):
        taken = take(data(size=2), 7, share=Share(rank, 3))
        found = np.concatenate([b["l"] for b in taken])
        assert found.tolist() == [i % 7 for i in range(42) if i % 3 == rank]


def test_image_data(load, tmp_path, take):
    """ImageData: new_height and new_width only together; reshuffles at each wrap."""
    text = """layer { name: "i" type: "ImageData" top: "d" top: "l"
      image_data_param { source: "list.txt" batch_size: 9 shuffle: true %s } }"""
    for field in ("new_height", "new_width"):
        with pytest.raises(NetdefError, match="give `new_height` and `new_width`, or neither"):
            load(text % f"{field}: 3")
    for i in range(9):
        Image.new("L", (2, 2), i).save(tmp_path / f"{i}.png")
    (tmp_path / "list.txt").write_text("".join(f"{i}.png {i}\n" for i in range(9)))
    orders = [tuple(batch["l"].astype(int)) for batch in take(text % "", 5)]
    assert len(set(orders)) == 5
    assert all(sorted(order) == list(range(9)) for order in orders)


def test_hdf5_data(load, hdf5_of, take):
    """HDF5Data: shuffles files and rows at each wrap, batches span files, transform_param is an
    error."""
    x = np.arange(20).reshape(10, 2)
    hdf5_of({"x": x[:5], "y": x[:5, 0]}, {"x": x[5:], "y": x[5:, 0]})
    found = np.concatenate([b["y"] for b in take(HDF5 % ("shuffle: true", ""), 25)]) // 2
    passes = found.reshape(10, 10).astype(int)
    assert all(sorted(order) == list(range(10)) for order in passes.tolist())
    assert len({tuple(order) for order in passes}) > 8
    assert {tuple(sorted(order[:5])) for order in passes} == {(0, 1, 2, 3, 4), (5, 6, 7, 8, 9)}
    spanning = [b["y"].tolist() for b in take(HDF5 % ("", ""), 3)]
    assert spanning == [[0, 2, 4, 6], [8, 10, 12, 14], [16, 18, 0, 2]]
    with pytest.raises(NetdefError, match="HDF5Data transforms nothing"):
        load(HDF5 % ("", "transform_param { scale: 2 }"))


def test_backend():
    """`DataParameter.backend` defaults to LEVELDB."""
    assert pb.DataParameter().backend == pb.DataParameter.LEVELDB


def test_wrapping(images, lmdb_of, take):
    """Data sources wrap around at the end."""
    lmdb_of(images)
    labels = np.concatenate([b["l"] for b in take(data(size=4), 6)])
    assert labels.tolist() == [i % 7 for i in range(24)]


def test_hdf5_source(hdf5_of, take):
    """HDF5Data's `source` is a text file listing .h5 files; every top is a dataset of that name."""
    hdf5_of({"y": np.arange(4), "x": np.arange(8).reshape(4, 2), "unused": np.zeros(1)})
    (batch,) = take(HDF5 % ("", ""))
    assert batch["x"].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert batch["y"].tolist() == [0, 1, 2, 3]
