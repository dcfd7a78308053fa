"""Contact sheets: where images and labels come to stand."""

import numpy as np
import pytest
from PIL import Image

from netdef.data.contact_sheet import write_sheet
from netdef.data.examine import Picture
from netdef.source import NetdefError

TILE, PITCH_X, PITCH_Y, GAP = 96, 104, 122, 8


def drawn(tmp_path, pictures, **options) -> np.ndarray:
    write_sheet(tmp_path / "sheet.png", pictures, **options)
    with Image.open(tmp_path / "sheet.png") as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image)


def middle(sheet: np.ndarray, row: int, column: int) -> list[int]:
    y, x = GAP + row * PITCH_Y + TILE // 2, GAP + column * PITCH_X + TILE // 2
    return sheet[y, x].tolist()


def plain(*values: int, size: tuple[int, int] = (6, 6)) -> np.ndarray:
    return np.full((*size, len(values)), values, np.uint8).transpose(2, 0, 1)


def test_places_and_colours(tmp_path):
    pictures = [
        Picture("0", plain(255, 0, 0)),
        Picture("1", plain(9)),
        Picture("2", plain(0, 0, 7)),
    ]
    sheet = drawn(tmp_path, pictures)
    assert sheet.shape == (2 * PITCH_Y + GAP, 2 * PITCH_X + GAP, 3)
    assert middle(sheet, 0, 0) == [0, 0, 255]  # blue comes first
    assert middle(sheet, 0, 1) == [9, 9, 9]
    assert middle(sheet, 1, 0) == [7, 0, 0]
    assert middle(sheet, 1, 1) == [255, 255, 255]
    assert middle(drawn(tmp_path, pictures, rgb=True), 0, 0) == [255, 0, 0]


@pytest.mark.parametrize("size", [(1, 1), (28, 28), (500, 300), (1, 700), (95, 97)])
def test_images_of_any_size_fit(tmp_path, size):
    sheet = drawn(tmp_path, [Picture("", plain(0, size=size))])
    rows, columns = np.nonzero((sheet == 0).all(axis=2))
    assert rows.min() >= GAP and rows.max() < GAP + TILE
    assert columns.min() >= GAP and columns.max() < GAP + TILE


def test_floats_are_stretched(tmp_path):
    image = np.array([[[-1.0, 3.0]]], np.float32)
    sheet = drawn(tmp_path, [Picture("", image)])
    row = sheet[GAP + TILE // 2, GAP : GAP + TILE, 0]
    assert (row[0], row[-1]) == (0, 255)
    for odd in (np.nan, 5.0):  # one value, or none, is no reason to stop
        drawn(tmp_path, [Picture("", np.full((1, 2, 2), odd, np.float32))])


def test_broken_images_are_crossed_out(tmp_path):
    sheet = drawn(tmp_path, [Picture("?", None, broken=True)])
    assert middle(sheet, 0, 0) != middle(drawn(tmp_path, [Picture("?", plain(9))]), 0, 0)


def test_every_picture_has_its_label(tmp_path):
    without = drawn(tmp_path, [Picture("", plain(9))])
    labelled = drawn(tmp_path, [Picture("12345678901234567890", plain(9))])
    below = slice(GAP + TILE, None)
    assert (without[below] == 255).all() and (labelled[below] < 200).any()
    np.testing.assert_array_equal(without[: GAP + TILE], labelled[: GAP + TILE])


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(NetdefError, match="cannot write"):
        write_sheet(tmp_path / "none" / "sheet.png", [Picture("", plain(9))])
