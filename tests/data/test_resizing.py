"""Resizing, held against what OpenCV 4.10 makes of the same pixels."""

from zlib import crc32

import numpy as np
import pytest

from netdef.data.resizing import resized

RECORDED = [
    ((3, 7, 68), (97, 161), 0x4CD7FF95),
    ((1, 53, 81), (110, 34), 0xA5766BE1),
    ((3, 60, 40), (30, 20), 0x6CAE5CB4),
    ((3, 61, 40), (30, 20), 0xB22141E1),
    ((1, 1, 1), (5, 3), 0xD7D303E7),
    ((3, 5, 9), (1, 1), 0x8967696B),
    ((1, 100, 100), (227, 227), 0xC392118F),
    ((3, 375, 500), (256, 256), 0xB17022D7),
]
"""Shape, rows and columns after resizing, CRC-32 of OpenCV's pixels."""


def noise(shape: tuple[int, ...]) -> np.ndarray:
    """The upper bytes of the multiples of a number: the same for whoever records."""
    numbers = np.arange(np.prod(shape), dtype=np.uint32) * np.uint32(2654435761)
    return (numbers >> np.uint32(24)).astype(np.uint8).reshape(shape)


@pytest.mark.parametrize(("shape", "size", "checksum"), RECORDED, ids=str)
def test_every_pixel_is_that_of_opencv(shape, size, checksum):
    out = resized(noise(shape), *size)
    assert out.shape == (shape[0], *size)
    assert crc32(np.ascontiguousarray(out)) == checksum


def test_a_small_one_can_be_read():
    image = np.array([[[0, 100], [200, 50]]], np.uint8)
    assert resized(image, 3, 4)[0].tolist() == [
        [0, 25, 75, 100],
        [100, 94, 81, 75],
        [200, 162, 87, 50],
    ]


def test_the_same_size_is_the_same_image():
    image = noise((3, 4, 5))
    assert resized(image, 4, 5) is image
