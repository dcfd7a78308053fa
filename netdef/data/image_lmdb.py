"""Listed image files as an LMDB, record for record as Caffe's convert_imageset makes it."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np

from netdef.data.datum import Color, encoding, from_pixels, pixels, shape
from netdef.data.faults import DataFault
from netdef.data.image_lines import ImageLine, image_bytes, read_lines
from netdef.data.lmdb_writer import LmdbWriter
from netdef.data.parallel import ordered
from netdef.data.randomness import permutation
from netdef.data.resizing import resized
from netdef.data.tracking import Track, untracked
from netdef.ir import Shape, show_shape
from netdef.schema import pb
from netdef.source import Diagnostic, Label, NetdefError, error, warning
from netdef.source.locate import shown

_LONGEST_KEY = 511
"""Bytes that LMDB allows."""

_FORMATS = {"jpg": "jpeg", "png": "png"}


@dataclass(frozen=True)
class ImageOptions:
    """How images become records.

    Attributes:
        root: What stands before every path.
        size: Rows and columns that every image is resized to; None leaves sizes as they are.
        gray: Whether images have one channel; otherwise three, blue first.
        encode: Keep images as files of this format, else as plain pixels.
        quality: Of jpg, 1 to 100.
        seed: Seed of a random order; None keeps the order of the list.
        check_size: Whether all images must be of one size.
        stop: Whether an unreadable image is an error; otherwise it is left out with a warning.
    """

    root: str = ""
    size: tuple[int, int] | None = None
    gray: bool = False
    encode: Literal["jpg", "png"] | None = None
    quality: int = 95
    seed: int | None = None
    check_size: bool = False
    stop: bool = False


@dataclass(frozen=True, slots=True)
class _Made:
    """What became of one line: a record, or why there is none."""

    line: ImageLine
    value: bytes = b""
    size: Shape = ()
    fault: DataFault | None = None


def write_images(
    listing: Path,
    target: Path,
    options: ImageOptions,
    warn: Callable[[Diagnostic], None],
    force: bool = False,
    track: Track = untracked,
) -> int:
    """Write the images of a list into an LMDB.

    The key of a record is the number of its line, in the order of writing, with eight digits, an
    underscore and the path as it is listed; an image that is left out leaves a gap.

    Args:
        listing: The list: a path, a space and a label in every line.
        target: The folder of the database.
        options: How images become records.
        warn: Is told of every image that is left out.
        force: Whether a database that is there is replaced.
        track: Is told how far it is.

    Returns:
        The number of records.

    Raises:
        NetdefError: The list is at fault; an image cannot be read and `options.stop` is set, or
            none can; sizes differ and must not; the database cannot be written.
    """
    lines = read_lines(listing)
    _check_keys(lines)
    if options.seed is not None:
        order = permutation(options.seed, "images/order", len(lines), 0)
        lines = [lines[i] for i in order]
    writer = LmdbWriter(target, force)
    made = ordered(lambda line: _make(line, listing, options), lines)
    first: _Made | None = None
    with writer:
        for number, record in enumerate(track(made, len(lines))):
            if record.fault is not None:
                _tell(record, options, warn)
                continue
            first = first or record
            if options.check_size and record.size != first.size:
                raise NetdefError(_differs(record, first))
            writer.put(_key(number, record.line), record.value)
        if first is None:
            text = f"none of the {len(lines):,} images of {shown(listing)} can be read"
            raise NetdefError(error("bad-image", text))
    return writer.count


def _tell(record: _Made, options: ImageOptions, warn: Callable[[Diagnostic], None]) -> None:
    fault = record.fault
    assert fault is not None  # noqa: S101 - asked only where there is one
    if options.stop:
        raise NetdefError(error("bad-image", str(fault), record.line.span, note=fault.note))
    warn(warning("bad-image", f"{fault}; left out", record.line.span, note=fault.note))


def _differs(record: _Made, first: _Made) -> Diagnostic:
    text = f"the image is {show_shape(record.size)}; all must be of one size"
    label = Label(first.line.span, f"this one is {show_shape(first.size)}")
    note = "--resize makes sizes equal; without --check-size they may differ"
    return error("shape-mismatch", text, record.line.span, [label], note)


def _key(number: int, line: ImageLine) -> bytes:
    return f"{number:08d}_{line.name}".encode("utf-8", "surrogateescape")


def _check_keys(lines: list[ImageLine]) -> None:
    most = max(len(lines) - 1, 0)
    long = [line for line in lines if len(_key(most, line)) > _LONGEST_KEY]
    if long:
        text = f"the path is too long for a key, which has at most {_LONGEST_KEY} bytes"
        note = "leave the folders that all have in common to --root"
        raise NetdefError([error("bad-list", text, line.span, note=note) for line in long])


def _make(line: ImageLine, listing: Path, options: ImageOptions) -> _Made:
    """Return the record of a line; runs in a thread."""
    try:
        data = image_bytes(line, options.root, listing)
        file = pb.Datum(data=data, label=line.label, encoded=True)
        channels = shape(file)[0]  # refuses what has more than 8 bits per channel
        image = pixels(file, Color.GRAY if options.gray else Color.COLOR)
        if options.size:
            image = resized(image, *options.size)
        if options.encode is None:
            datum = from_pixels(image, line.label)
        else:
            # As the reference does: a file that is as wanted is not encoded a second time.
            kept = encoding(file) == _FORMATS[options.encode] and channels == len(image)
            datum = file
            if options.size or not kept:
                datum.data = _encoded(image, options)
    except DataFault as fault:
        what = DataFault(f"`{line.name}` {fault}", note=fault.note)
        return _Made(line, fault=what)
    return _Made(line, datum.SerializeToString(), image.shape)


def _encoded(image: np.ndarray, options: ImageOptions) -> bytes:
    from PIL import Image

    plane = image[0] if len(image) == 1 else image[::-1].transpose(1, 2, 0)
    out = BytesIO()
    extra = {"quality": options.quality} if options.encode == "jpg" else {}
    picture = Image.fromarray(np.ascontiguousarray(plane))
    picture.save(out, _FORMATS[options.encode or ""], **extra)
    return out.getvalue()
