"""Datum: the record of image databases.

A Datum holds the pixels of one image in the order channel, row, column, as bytes (`data`) or floats
(`float_data`), or the bytes of an image file (`encoded`), and a label. Colours are in the order
blue, green, red.
"""

from enum import StrEnum
from io import BytesIO
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from netdef.data.faults import DataFault
from netdef.ir import Shape
from netdef.schema import pb

if TYPE_CHECKING:
    import numpy as np

_CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
_MODES = {"1": "L", "L": "L", "LA": "RGBA", "PA": "RGBA", "RGBA": "RGBA"}
"""What pillow's modes are read as; all others of 8 bits per channel as RGB."""


class Color(StrEnum):
    """How many channels an image file is decoded to."""

    AS_IS = "as is"
    COLOR = "color"
    GRAY = "gray"


def color_of(layer: Any) -> Color:
    """Return what the message of a layer (a LayerParameter) wants image files decoded to."""
    if layer.transform_param.force_color or layer.data_param.force_encoded_color:
        return Color.COLOR
    return Color.GRAY if layer.transform_param.force_gray else Color.AS_IS


def parse(raw: bytes) -> pb.Datum:
    """Return the Datum in the value of a record; its sizes fit its data.

    Raises:
        DataFault: The value is no Datum, holds no pixels, or not as many as its sizes say.
    """
    try:
        datum = pb.Datum.FromString(raw)
    except DecodeError:
        raise _damaged("is not a Datum") from None
    if datum.encoded:
        return datum
    channels, height, width = size = datum.channels, datum.height, datum.width
    if min(size) < 1:
        raise _damaged(f"has no pixels: its size is {channels} x {height} x {width}")
    found = len(datum.data) or len(datum.float_data)
    if channels * height * width != found:
        wanted = f"{channels} x {height} x {width} = {channels * height * width}"
        raise _damaged(f"has {found} values, but its sizes say {wanted}")
    return datum


def shape(datum: pb.Datum, color: Color = Color.AS_IS) -> Shape:
    """Return the (C, H, W) of a parsed Datum; an image file is not decoded for it.

    Raises:
        DataFault: The image file cannot be read.
    """
    if not datum.encoded:
        return datum.channels, datum.height, datum.width
    image = _open(datum.data)
    return _CHANNELS[_mode(image, color)], image.height, image.width


def pixels(datum: pb.Datum, color: Color = Color.AS_IS) -> "np.ndarray":
    """Return the pixels of a parsed Datum as (C, H, W), uint8 or float32.

    Raises:
        DataFault: The image file cannot be decoded.
    """
    import numpy as np

    if datum.encoded:
        return _decoded(datum.data, color)
    if datum.data:
        values = np.frombuffer(datum.data, np.uint8)
    else:
        values = np.array(datum.float_data, np.float32)
    return values.reshape(datum.channels, datum.height, datum.width)


def encoding(datum: pb.Datum) -> str:
    """Return what the pixels of a parsed Datum are kept as: bytes, floats, or jpeg, png, ...

    Raises:
        DataFault: The image file cannot be read.
    """
    if datum.encoded:
        return str(_open(datum.data).format).lower()
    return "bytes" if datum.data else "floats"


def stack(raw: list[pb.Datum]) -> "np.ndarray | None":
    """Return parsed Datums as one (N, C, H, W) of uint8, or None when it takes more than a copy.

    It does when one is encoded, holds floats or differs in size.
    """
    import numpy as np

    first = raw[0]
    size = first.channels, first.height, first.width
    for datum in raw:
        same = datum.width == size[2] and datum.height == size[1] and datum.channels == size[0]
        if not same or datum.encoded or not datum.data:
            return None
    joined = b"".join([datum.data for datum in raw])
    return np.frombuffer(joined, np.uint8).reshape(len(raw), *size)


def from_pixels(image: "np.ndarray", label: int) -> pb.Datum:
    """Return the Datum of a (C, H, W) image of uint8."""
    channels, height, width = image.shape
    data = image.tobytes()
    return pb.Datum(channels=channels, height=height, width=width, data=data, label=label)


def _open(data: bytes) -> Any:
    from PIL import Image

    try:
        return Image.open(BytesIO(data))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise _unreadable(fault) from None


def _mode(image: Any, color: Color) -> str:
    if color is not Color.AS_IS:
        return "RGB" if color is Color.COLOR else "L"
    if image.mode.startswith(("I", "F")):
        raise _damaged(f"holds an image of mode {image.mode}; 8 bits per channel are wanted")
    if image.mode == "P":
        return "RGBA" if "transparency" in image.info else "RGB"
    return _MODES.get(image.mode, "RGB")


def _decoded(data: bytes, color: Color) -> "np.ndarray":
    import numpy as np
    from PIL import Image

    image = _open(data)
    mode = _mode(image, color)
    if mode in ("L", "RGB"):
        image.info.pop("transparency", None)  # pillow would warn that it gets lost
    try:
        values = np.asarray(image if image.mode == mode else image.convert(mode))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise _unreadable(fault) from None
    if values.ndim == 2:  # one channel has no axis of its own
        return values[None]
    channels = values.transpose(2, 0, 1)
    # Three channels are not copied: whoever reads them does that soon enough.
    return channels[::-1] if len(channels) == 3 else channels[[2, 1, 0, 3]]


def _unreadable(fault: Exception) -> DataFault:
    from PIL import UnidentifiedImageError

    known = isinstance(fault, UnidentifiedImageError)
    return _damaged("holds no image" if known else f"holds a broken image ({fault})")


def _damaged(what: str) -> DataFault:
    return DataFault(what, "damaged-record")
