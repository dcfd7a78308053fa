"""Records: bytes, floats and image files."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from netdef.data.datum import Color, from_pixels, parse, pixels, shape, stack
from netdef.data.faults import DataFault
from netdef.schema import pb

GRADIENT = np.arange(60, dtype=np.uint8).reshape(3, 4, 5) * 4  # (C, H, W), blue first


def encoded(mode: str, kind: str = "PNG") -> pb.Datum:
    rgb = Image.fromarray(np.ascontiguousarray(GRADIENT[::-1].transpose(1, 2, 0)))
    file = BytesIO()
    rgb.convert(mode).save(file, kind)
    return pb.Datum(data=file.getvalue(), encoded=True, label=3)


def test_bytes():
    datum = parse(from_pixels(GRADIENT, 7).SerializeToString())
    assert (shape(datum), datum.label) == ((3, 4, 5), 7)
    np.testing.assert_array_equal(pixels(datum), GRADIENT)
    assert pixels(datum).dtype == np.uint8


def test_floats():
    values = GRADIENT.astype(np.float32) / 7
    datum = pb.Datum(channels=3, height=4, width=5, float_data=values.ravel().tolist())
    datum = parse(datum.SerializeToString())
    np.testing.assert_array_equal(pixels(datum), values)
    assert stack([datum, datum]) is None


def test_an_image_file_is_blue_first():
    datum = parse(encoded("RGB").SerializeToString())
    assert shape(datum) == (3, 4, 5)
    np.testing.assert_array_equal(pixels(datum), GRADIENT)


@pytest.mark.parametrize(
    ("mode", "channels"), [("L", 1), ("1", 1), ("P", 3), ("RGB", 3), ("RGBA", 4), ("LA", 4)]
)
def test_channels_are_those_of_the_image_file(mode, channels):
    datum = encoded(mode)
    assert shape(datum) == pixels(datum).shape == (channels, 4, 5)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize(("color", "channels"), [(Color.COLOR, 3), (Color.GRAY, 1)])
def test_channels_may_be_forced(mode, color, channels):
    datum = encoded(mode)
    assert shape(datum, color) == pixels(datum, color).shape == (channels, 4, 5)


def test_gray_made_colour_is_the_same_three_times():
    blue, green, red = pixels(encoded("L"), Color.COLOR)
    np.testing.assert_array_equal(blue, pixels(encoded("L"))[0])
    assert (blue == green).all()
    assert (green == red).all()


def test_stacking():
    other = GRADIENT[:, ::-1].copy()
    stacked = stack([from_pixels(GRADIENT, 0), from_pixels(other, 0)])
    np.testing.assert_array_equal(stacked, [GRADIENT, other])
    assert stack([from_pixels(GRADIENT, 0), from_pixels(GRADIENT[:, :2], 0)]) is None
    assert stack([encoded("RGB")]) is None


@pytest.mark.parametrize(
    ("datum", "message"),
    [
        (pb.Datum(channels=3, height=4, width=5, data=b"x" * 59), "has 59 values, but .* = 60"),
        (pb.Datum(channels=1, height=1, width=1, float_data=[1, 2]), "has 2 values"),
        (pb.Datum(channels=1, height=1, width=1), "has 0 values"),
        (pb.Datum(channels=2**31 - 1, height=2**31 - 1, width=9, data=b"x"), "has 1 values"),
        (pb.Datum(channels=-1, height=-1, width=1, data=b"x"), "has no pixels"),
        (pb.Datum(data=b"x"), "has no pixels: its size is 0 x 0 x 0"),
    ],
    ids=["short", "floats", "none", "huge", "negative", "unset"],
)
def test_sizes_that_do_not_fit(datum, message):
    with pytest.raises(DataFault, match=message):
        parse(datum.SerializeToString())


def test_what_is_no_datum():
    with pytest.raises(DataFault, match="is not a Datum"):
        parse(b"\xff\xff\xff")


def test_what_is_no_image():
    datum = parse(pb.Datum(data=b"nothing", encoded=True).SerializeToString())
    with pytest.raises(DataFault, match="holds no image"):
        shape(datum)
    with pytest.raises(DataFault, match="holds no image"):
        pixels(datum)


def test_an_image_that_breaks_off():
    whole = encoded("RGB", "JPEG")
    datum = pb.Datum(data=whole.data[:-200], encoded=True)
    with pytest.raises(DataFault, match="holds a broken image"):
        pixels(datum)


def test_sixteen_bits_are_too_many():
    file = BytesIO()
    Image.fromarray(np.zeros((2, 2), np.uint16)).save(file, "PNG")
    with pytest.raises(DataFault, match="8 bits per channel are wanted"):
        pixels(pb.Datum(data=file.getvalue(), encoded=True))
