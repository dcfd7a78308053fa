"""Batches of a WindowData layer: windows cut from images, objects and background."""

from pathlib import Path
from typing import Any

import numpy as np

from netdef.data.bad_records import BadRecords
from netdef.data.datum import Color, pixels
from netdef.data.faults import DataFault, missing
from netdef.data.image_lines import content_of, image_path
from netdef.data.parallel import ordered
from netdef.data.preparation import Preparation
from netdef.data.randomness import below, draw, heads
from netdef.data.window_crop import WindowCrop
from netdef.data.window_file import Windows, read_windows
from netdef.ir import Layer
from netdef.schema import pb
from netdef.source.locate import locate, shown


class WindowFeed:
    """The batches of one WindowData layer.

    Which windows a batch holds is drawn anew for each: first background, then objects.

    Attributes:
        batch_size: Windows per batch.
    """

    own = "window_data_param"

    def __init__(
        self, layer: Layer, referring: str | None, seed: int, bad: BadRecords | None = None
    ) -> None:
        """Read the windows and the mean.

        Args:
            layer: The layer.
            referring: The file of its net, where the file of windows is looked for; images are
                looked for from there.
            seed: The seed of the run.
            bad: What to do about images that cannot be read; None ends the run at the first.

        Raises:
            DataFault: The file or the mean is not there or makes no sense, or has no window of a
                kind that batches are to hold.
        """
        p = layer.message.window_data_param
        path = locate(p.source, referring)
        if path is None:
            raise missing("the file of windows", p.source, referring)
        self.batch_size: int = p.batch_size
        self._labelled = len(layer.tops) > 1
        self._path, self._root = path, p.root_folder
        self._windows: Windows = read_windows(path)
        # In single precision, as the reference counts.
        self._objects = int(np.float32(p.batch_size) * np.float32(p.fg_fraction))
        self._kinds = _kinds(self._windows, path, p, self._objects)
        self._crop = WindowCrop(p.context_pad, p.crop_mode == "square")
        self._prepare = Preparation(layer, referring, seed)
        self._cached: dict[int, bytes] | None = {} if p.cache_images else None
        self._bad = bad or BadRecords()
        self._seed = seed
        self._stream = f"{layer.name}/windows"

    def place(self, device: object) -> None:
        """Nothing is done on a device: every window is cut and resized on its own."""

    def batch(self, records: range) -> list[np.ndarray]:
        """Return windows (N, 3, side, side) and, if there is a top for them, labels (N,).

        Args:
            records: Their numbers, from the start.

        Raises:
            DataFault: An image is missing or damaged, or a window lies outside of it.
        """
        words = draw(self._seed, self._stream, records.start, records.stop - records.start)
        words = words[:: records.step]
        background = len(records) - self._objects
        chosen = [self._chosen(int(i >= background), word) for i, word in enumerate(words)]
        crop = self._prepare.transformer.crop
        side = crop[0] if crop else 0
        out = np.zeros((len(records), 3, side, side), np.float32)
        flips = self._prepare.words(records)[:, 0]

        def fill(i: int) -> DataFault | None:
            return self._filled(out[i], chosen[i], flips[i])

        for i, fault in enumerate(ordered(fill, range(len(chosen)))):
            if fault is not None:
                chosen[i] = self._stand_in(out[i], int(i >= background), chosen[i], flips[i], fault)
        labels = self._windows.label[chosen] * (np.arange(len(chosen)) >= background)
        return [out, labels.astype(np.float32)] if self._labelled else [out]

    def _chosen(self, kind: int, words: np.ndarray) -> int:
        """Return the index of the window that is drawn from those of a kind."""
        return int(self._kinds[kind][below(words[0], len(self._kinds[kind]))])

    def _filled(self, out: np.ndarray, window: int, flip: np.ndarray) -> DataFault | None:
        """Put a window where it goes, or return what is wrong."""
        transform = self._prepare.transformer
        try:
            image = self._image(int(self._windows.image[window]))
            corners = self._windows.corners[window]
            self._crop.into(out, image, corners, transform, transform.mirror and bool(heads(flip)))
        except DataFault as fault:
            return fault
        return None

    def _stand_in(
        self, out: np.ndarray, kind: int, window: int, flip: np.ndarray, fault: DataFault
    ) -> int:
        """Put the next good window of a kind in place of one, and return which it was."""
        self._refuse_or_note(window, fault)
        same = self._kinds[kind]
        place = int(np.searchsorted(same, window))
        for other in (*same[place + 1 :].tolist(), *same[:place].tolist()):
            another = self._filled(out, other, flip)
            if another is None:
                return other
            self._refuse_or_note(other, another)
        raise DataFault(f"none of the images that {shown(self._path)} lists can be read")

    def _image(self, index: int) -> np.ndarray:
        cached = self._cached
        data = None if cached is None else cached.get(index)
        if data is None:
            data = content_of(image_path(self._windows.paths[index], self._root, self._path))
            if cached is not None:
                cached[index] = data
        return pixels(pb.Datum(data=data, encoded=True), Color.COLOR)

    def _refuse_or_note(self, window: int, fault: DataFault) -> None:
        name = self._windows.paths[int(self._windows.image[window])]
        text = f"`{name}`, listed in {shown(self._path)}, {fault}"
        if not self._bad.skip or fault.field.startswith("transform_param"):
            raise DataFault(text, fault.rule, fault.field, fault.note) from None
        self._bad.met(self._path, name.encode(), text)

    def close(self) -> None:
        """Nothing is open."""


def _kinds(windows: Windows, path: Path, p: Any, objects: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the windows of background and of objects."""
    # Single precision, lest 0.7 in the file be below a threshold of 0.7.
    of_objects = windows.overlap >= np.float32(p.fg_threshold)
    rest = ~of_objects & (windows.overlap < np.float32(p.bg_threshold))
    kinds = np.flatnonzero(rest), np.flatnonzero(of_objects)
    if not kinds[0].size and objects < p.batch_size:
        text = f"no window in {shown(path)} overlaps by less than {p.bg_threshold:g}"
        raise DataFault(f"{text}: there is no background", field="bg_threshold")
    if not kinds[1].size and objects:
        text = f"no window in {shown(path)} overlaps by {p.fg_threshold:g} or more"
        raise DataFault(f"{text}: there are no objects", field="fg_threshold")
    if (windows.label[of_objects] < 1).any():
        worst = int(windows.image[of_objects][windows.label[of_objects] < 1][0])
        text = f"{shown(path)}: an object in image {worst} has class 0, which is the background's"
        raise DataFault(text)
    return kinds
