"""Mean images: the reference's own, exactness, and databases that have none."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netdef.data.datum import from_pixels
from netdef.data.mean_image import mean_image
from netdef.schema import pb
from netdef.source import NetdefError
from netdef.weights.binaryproto import read_mean, write_binaryproto

CONFORMANCE = Path(__file__).parent / "conformance"


def test_the_mean_that_the_reference_computed(tmp_path):
    mean = mean_image(CONFORMANCE / "bytes_lmdb")
    write_binaryproto(tmp_path / "mean.binaryproto", mean.image)
    recorded = read_mean(CONFORMANCE / "mean.binaryproto")
    np.testing.assert_allclose(read_mean(tmp_path / "mean.binaryproto"), recorded, rtol=1e-6)


def test_floats(lmdb_of):
    values = np.random.RandomState(0).standard_normal((5, 2, 3, 4)).astype(np.float32)
    datums = [
        pb.Datum(channels=2, height=3, width=4, float_data=image.ravel().tolist())
        for image in values
    ]
    np.testing.assert_allclose(mean_image(lmdb_of(datums)).image, values.mean(axis=0), atol=1e-6)


def test_image_files_are_decoded_blue_first(lmdb_of, images):
    datums = []
    for image in images:
        out = BytesIO()
        Image.fromarray(np.ascontiguousarray(image[::-1].transpose(1, 2, 0))).save(out, "png")
        datums.append(pb.Datum(data=out.getvalue(), encoded=True))
    datums[3] = from_pixels(images[3], 0)  # both kinds in one database
    mean = mean_image(lmdb_of(datums))
    np.testing.assert_allclose(mean.image, images.mean(axis=0))
    assert mean.count == len(images)


def test_the_first_records_only(lmdb_of, images):
    path = lmdb_of(images)
    np.testing.assert_allclose(mean_image(path, most=3).image, images[:3].mean(axis=0))
    assert mean_image(path, most=100).count == 7


def test_many_bright_images_stay_exact(lmdb_of):
    """In single precision sums of bytes go wrong beyond 2**24; 255 x 70,000 is more."""
    image = from_pixels(np.full((1, 1, 1), 255, np.uint8), 0).SerializeToString()
    path = lmdb_of([image] * 70_000)
    assert mean_image(path).image.item() == 255


@pytest.mark.parametrize("number", [1, 65, 99])
def test_another_size_is_named(lmdb_of, number):
    datums = [np.zeros((1, 2, 2), np.uint8)] * 100
    datums[number] = np.zeros((1, 2, 3), np.uint8)
    text = (
        rf"record `{number:08d}` of .*images_lmdb is \(1, 2, 3\), but those before are \(1, 2, 2\)"
    )
    with pytest.raises(NetdefError, match=text):
        mean_image(lmdb_of(datums))


def test_a_damaged_record_is_named(lmdb_of, images):
    path = lmdb_of([*images, b"no datum"])
    with pytest.raises(NetdefError, match=r"record `00000007` of .*images_lmdb is not a Datum"):
        mean_image(path)


def test_what_is_no_database(tmp_path):
    with pytest.raises(NetdefError, match="is no database"):
        mean_image(tmp_path)
