"""Running a net over images in batches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from netdef.data.parallel import ordered
from netdef.engines import Engine
from netdef.ir import Blob, Net, show_shape
from netdef.predict.preparation import Picture, Preparation
from netdef.source import NetdefError, error
from netdef.source.locate import shown

_IMAGE_AXES = 4


@dataclass(frozen=True)
class Batch:
    """What a net makes of some images.

    Attributes:
        pictures: The images; none where the inputs are arrays only.
        names: The name of every image, or of every row of the arrays.
        copies: Rows of each blob that belong to one image.
        values: Blobs by name, float32.
    """

    pictures: Sequence[Picture]
    names: Sequence[str]
    copies: int
    values: Mapping[str, np.ndarray]

    def averaged(self, blob: str) -> np.ndarray:
        """Return the values of a blob, the mean over the crops of each image: (N, ...)."""
        values = self.values[blob]
        if self.copies == 1:
            return values
        return values.reshape(-1, self.copies, *values.shape[1:]).mean(axis=1)


def image_input(net: Net, given: Mapping[str, Any]) -> Blob:
    """Return the input of a net that images go to.

    Args:
        net: A typed net.
        given: The inputs that are given otherwise.

    Raises:
        NetdefError: There is none (N, C, H, W), or more than one (rule `no-image-input`).
    """
    open_inputs = [net.blobs[name] for name in net.inputs if name not in given]
    images = [blob for blob in open_inputs if len(blob.shape or ()) == _IMAGE_AXES]
    if len(images) == 1:
        return images[0]
    which = ", ".join(f"`{blob.name}` {show_shape(blob.shape)}" for blob in open_inputs)
    text = "several inputs could be the images" if images else "no input takes images (N, C, H, W)"
    note = f"inputs: {which or 'none that is not given'}; give others with --input NAME=FILE.npy"
    raise NetdefError(error("no-image-input", text, note=note))


def predictions(
    engine: Engine,
    files: Sequence[Path],
    preparation: Preparation | None,
    given: Mapping[str, np.ndarray],
    blobs: Sequence[str],
    batch: int,
) -> Iterator[Batch]:
    """Yield what a net makes of images, batch by batch.

    Args:
        engine: What computes the net.
        files: The images; may be empty where all inputs are given.
        preparation: How they are made ready; None without images.
        given: Values of other inputs, or of any blobs. One with a row per image is divided among
            the batches, any other is given whole to each.
        blobs: What is wanted.
        batch: Images at a time.

    Raises:
        NetdefError: An image cannot be read, or the inputs do not fit the net.
    """
    if preparation is None:
        rows = min((len(array) for array in given.values() if array.ndim), default=1)
        values = _run(engine, given, blobs)
        yield Batch((), [f"[{row}]" for row in range(rows)], 1, values)
        return
    pictures = ordered(preparation.read, files)
    for start in range(0, len(files), batch):
        some = list(islice(pictures, batch))
        seen = np.concatenate([preparation.seen(picture) for picture in some])
        rest = {
            name: _part(array, len(files), slice(start, start + batch), preparation.copies)
            for name, array in given.items()
        }
        values = _run(engine, {preparation.blob: seen, **rest}, blobs)
        names = [shown(picture.path) for picture in some]
        yield Batch(some, names, preparation.copies, values)


def _part(array: np.ndarray, images: int, part: slice, copies: int) -> np.ndarray:
    if not array.ndim or len(array) != images:
        return array
    return np.repeat(array[part], copies, axis=0)


def _run(engine: Engine, feed: Mapping[str, Any], blobs: Sequence[str]) -> dict[str, np.ndarray]:
    values = engine.run(feed, blobs)
    return {name: value.float().cpu().numpy() for name, value in values.items()}
