"""Crop, mean, scale and mirror, each against a computation image by image."""

import numpy as np
import pytest

from netdef.data.faults import DataFault
from netdef.data.loader import batches
from netdef.data.randomness import draw
from netdef.data.transformer import Transformer, check_sizes
from netdef.source import NetdefError
from netdef.weights.binaryproto import write_binaryproto

WORDS = draw(seed=3, stream="test", start=0, count=7)


def plain(image, words, transform):
    """The definition, for one image: three loops' worth of indices and nothing clever."""
    channels, height, width = image.shape
    rows, columns = transform.crop or (height, width)
    row, column = (height - rows) // 2, (width - columns) // 2
    if transform.train and transform.crop:
        row = (int(words[1]) >> 32) * (height - rows + 1) >> 32
        column = (int(words[2]) >> 32) * (width - columns + 1) >> 32
    mean = np.zeros((channels, height, width)) if transform.mean is None else transform.mean
    mean = np.broadcast_to(mean, (channels, height, width))
    out = np.zeros((channels, rows, columns))
    for i in range(rows):
        for j in range(columns):
            at = (slice(None), row + i, column + j)
            flipped = transform.mirror and int(words[0]) >> 63
            to = columns - 1 - j if flipped else j
            out[:, i, to] = (image[at].astype(float) - mean[at]) * transform.scale
    return out


MEANS = {
    "none": None,
    "one value": np.full((1, 1, 1), 100, np.float32),
    "per channel": np.array([104, 117, 123], np.float32)[:, None, None],
    "image": np.random.RandomState(1).uniform(0, 255, (3, 8, 10)).astype(np.float32),
}


@pytest.mark.parametrize("mean", MEANS.values(), ids=MEANS)
@pytest.mark.parametrize("crop", [None, (8, 8), (5, 6), (1, 1)], ids=str)
@pytest.mark.parametrize("train", [False, True], ids=["TEST", "TRAIN"])
@pytest.mark.parametrize("mirror", [False, True], ids=["straight", "mirror"])
def test_against_the_definition(images, mean, crop, train, mirror):
    transform = Transformer(0.5, mirror, crop, mean, train)
    out = transform(images, WORDS)
    assert out.dtype == np.float32
    assert out.flags.c_contiguous
    expected = [plain(*pair, transform) for pair in zip(images, WORDS, strict=True)]
    np.testing.assert_allclose(out, expected, rtol=1e-6, atol=1e-5)


def test_the_images_are_not_changed(images):
    before = images.copy()
    Transformer(2.0, True, (4, 4), MEANS["one value"], True)(images, WORDS)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("mean", MEANS.values(), ids=MEANS)
@pytest.mark.parametrize("crop", [None, (5, 6)], ids=str)
@pytest.mark.parametrize("train", [False, True], ids=["TEST", "TRAIN"])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_one_image_gives_the_bits_that_it_has_in_a_batch(images, mean, crop, train, kind):
    transform = Transformer(0.3, True, crop, mean, train)
    images = images.astype(kind)
    together = transform(images, WORDS)
    for image, words, expected in zip(images, WORDS, together, strict=True):
        assert transform.shape_for(image.shape) == expected.shape
        out = np.full(expected.shape, np.nan, np.float32)
        # Decoders give channels that lie innermost.
        view = np.ascontiguousarray(image.transpose(1, 2, 0)).transpose(2, 0, 1)
        transform.into(out, view, words)
        np.testing.assert_array_equal(out, expected)


def test_images_of_several_sizes_need_a_crop(images):
    several = [images[0], images[1][:, :6]]
    check_sizes(several, cropped=True)
    with pytest.raises(DataFault, match="images of 3 x 8 x 10 and of 3 x 6 x 10"):
        check_sizes(several, cropped=False)
    with pytest.raises(DataFault, match="images of 3 x 8 x 10 and of 2 x 8 x 10"):
        check_sizes([images[0], images[1][:2]], cropped=True)


def test_random_crops_and_flips_reach_every_place():
    image = np.arange(30, dtype=np.uint8).reshape(1, 1, 5, 6)
    words = draw(seed=0, stream="x", start=0, count=4000)
    crops = Transformer(crop=(3, 3), train=True)(np.repeat(image, 4000, 0), words)
    corners, counts = np.unique(crops[:, 0, 0, 0], return_counts=True)
    assert corners.tolist() == [6 * i + j for i in range(3) for j in range(4)]
    assert counts.min() > 4000 / 12 * 0.8
    flips = Transformer(mirror=True)(np.repeat(image, 4000, 0), words)
    assert abs((flips[:, 0, 0, 0] == 5).mean() - 0.5) < 0.03


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (Transformer(crop=(9, 4)), "a crop of 9 x 4 from an image of 8 x 10"),
        (Transformer(mean=np.zeros((3, 8, 9), np.float32)), "3 x 8 x 9, but the images are"),
        (Transformer(mean=np.zeros((2, 1, 1), np.float32)), "2 mean values for 3 channels"),
    ],
    ids=["crop", "mean image", "mean values"],
)
def test_what_does_not_fit_the_images(images, transform, message):
    with pytest.raises(DataFault, match=message):
        transform(images, WORDS)


NET = """layer {{ name: "d" type: "Data" top: "data"
  data_param {{ source: "images_lmdb" batch_size: 7 backend: LMDB }}
  transform_param {{ {} }} }}"""


def test_a_mean_file_is_cropped_where_the_image_is(images, lmdb_of, load, tmp_path):
    lmdb_of(images)
    mean = images.mean(0, dtype=np.float32)
    write_binaryproto(tmp_path / "mean.binaryproto", mean)
    net = load(NET.format('mean_file: "mean.binaryproto" crop_size: 6'), "TEST")
    expected = (images - mean)[:, :, 1:7, 2:8]
    np.testing.assert_allclose(next(batches(net))["data"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        ('mean_file: "m" mean_value: 1', 'mean_file: "m" mean_value: ', "not both"),
        ("mean_value: 1 mean_value: 2", "mean_value: 1 mean_value: ", "2 mean values for 3 ch"),
        ("crop_size: 9", "crop_size: ", "a crop of 9 x 9 from images of 8 x 10"),
        ("crop_w: 4", "crop_w: ", "give `crop_h` and `crop_w`"),
        ("force_color: true force_gray: true", "force_color: true force_gray: ", "one channel and"),
    ],
    ids=["two means", "mean values", "crop", "half a crop", "two colours"],
)
def test_faults_that_checking_finds(images, lmdb_of, load, fields, place, message):
    lmdb_of(images)
    with pytest.raises(NetdefError, match=message) as raised:
        load(NET.format(fields))
    (found,) = raised.value.diagnostics
    assert found.rule == "bad-value"
    assert found.span.line == 3
    assert found.span.column == len("  transform_param { " + place) + 1


@pytest.mark.parametrize(
    ("fields", "rule", "message"),
    [
        ('mean_file: "no.binaryproto"', "missing-source", "`no.binaryproto` is not there"),
        ('mean_file: "net.txt"', "bad-weight-file", r"net\.txt is no binaryproto"),
    ],
    ids=["no mean", "bad mean"],
)
def test_faults_that_opening_finds(images, lmdb_of, load, tmp_path, fields, rule, message):
    lmdb_of(images)
    (tmp_path / "net.txt").write_text("this is no blob")
    net = load(NET.format(fields))
    with pytest.raises(NetdefError, match=message) as raised:
        batches(net)
    (found,) = raised.value.diagnostics
    assert found.rule == rule
    assert (found.span.line, found.span.path) == (3, str(tmp_path / "net.prototxt"))
