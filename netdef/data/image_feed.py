"""Batches of an ImageData layer: image files that a text file lists."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netdef.data.bad_records import BadRecords
from netdef.data.datum import Color, pixels
from netdef.data.faults import DataFault, missing
from netdef.data.image_lines import content_of, image_path, read_lines
from netdef.data.kept_images import KeptImages
from netdef.data.parallel import ordered
from netdef.data.preparation import Preparation
from netdef.data.randomness import below, draw, permutation
from netdef.data.resizing import resized
from netdef.ir import Layer
from netdef.schema import pb
from netdef.source.locate import locate, shown

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from netdef.data.on_device import DeviceImages


class ImageFeed:
    """The batches of one ImageData layer.

    With `shuffle`, every pass has an order of its own: a function of the seed and of the number of
    the pass.

    Attributes:
        batch_size: Images per batch.
    """

    own = "image_data_param"

    def __init__(
        self, layer: Layer, referring: str | None, seed: int, bad: BadRecords | None = None
    ) -> None:
        """Read the list and the mean.

        Args:
            layer: The layer.
            referring: The file of its net, where the list is looked for; images are looked for from
                the list.
            seed: The seed of the run.
            bad: What to do about images that cannot be read; None ends the run at the first.

        Raises:
            DataFault: The list or the mean is not there.
            NetdefError: Lines of the list are no path and label.
        """
        p = layer.message.image_data_param
        listing = locate(p.source, referring)
        if listing is None:
            raise missing("the list of images", p.source, referring)
        self.batch_size: int = p.batch_size
        self._labelled = len(layer.tops) > 1
        self._listing = listing
        self._root: str = p.root_folder
        lines = read_lines(listing)
        self._names = [line.name for line in lines]
        self._labels = np.array([line.label for line in lines], np.float32)
        self._paths: dict[int, Path] = {}
        self._size: tuple[int, int] | None = (p.new_height, p.new_width) if p.new_height else None
        self._color = Color.COLOR if p.is_color else Color.GRAY
        self._prepare = Preparation(layer, referring, seed)
        self._kept: KeptImages | DeviceImages = KeptImages(len(lines))
        self._bad = bad or BadRecords()
        self._seed = seed
        self._stream = f"{layer.name}/shuffle" if p.shuffle else None
        self._orders: dict[int, np.ndarray] = {}
        self._skip = 0
        if p.rand_skip:
            words = draw(seed, f"{layer.name}/rand_skip", 0, 1)
            self._skip = int(below(words[0, 0], p.rand_skip))

    def place(self, device: "torch.device") -> None:
        """Keep images, if they fit, and transform them on a device from now on."""
        from netdef.data.on_device import DeviceImages

        self._prepare.place(device)
        if self._prepare.on_device is not None:
            self._kept = DeviceImages(len(self._names), self._prepare.on_device)

    def batch(self, records: range) -> "list[np.ndarray | Tensor]":
        """Return images (N, C, H, W) and, if there is a top for them, labels (N,), both float32.

        Args:
            records: Their numbers, from the start of the first pass.

        Raises:
            DataFault: An image is missing or damaged, or does not fit the others.
        """
        lines = np.array([self._line(self._skip + number) for number in records])
        found = self._kept.find(lines)
        if found is None:
            found = self._decoded(lines)
            self._kept.keep(lines, *found)
        images, labels = self._prepare(records, *found)
        return [images, labels] if self._labelled else [images]

    def _line(self, number: int) -> int:
        """Return the index of the line that is read as this one since the start."""
        epoch, place = divmod(number, len(self._names))
        if self._stream is None:
            return place
        if epoch not in self._orders:
            if len(self._orders) > 1:  # a batch spans two passes, rarely more
                self._orders.clear()
            self._orders[epoch] = permutation(self._seed, self._stream, len(self._names), epoch)
        return int(self._orders[epoch][place])

    def _decoded(self, lines: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        tried = list(ordered(self._tried, lines.tolist()))
        used = [
            self._stand_in(line, image) if isinstance(image, DataFault) else (line, image)
            for line, image in zip(lines.tolist(), tried, strict=True)
        ]
        return [image for _, image in used], self._labels[[line for line, _ in used]]

    def _tried(self, line: int) -> np.ndarray | DataFault:
        """Return the pixels (C, H, W) of a listed image, or what is wrong with it."""
        try:
            path = self._paths.get(line)
            if path is None:
                path = self._paths[line] = image_path(self._names[line], self._root, self._listing)
            image = pixels(pb.Datum(data=content_of(path), encoded=True), self._color)
            return resized(image, *self._size) if self._size else image
        except DataFault as fault:
            return fault

    def _stand_in(self, line: int, fault: DataFault) -> tuple[int, np.ndarray]:
        """Return the next image of the list that is good, round its end, and its line."""
        self._refuse_or_note(line, fault)
        for step in range(1, len(self._names)):
            other = (line + step) % len(self._names)
            image = self._tried(other)
            if not isinstance(image, DataFault):
                return other, image
            self._refuse_or_note(other, image)
        text = f"none of the {len(self._names):,} images of {shown(self._listing)} can be read"
        raise DataFault(text)

    def _refuse_or_note(self, line: int, fault: DataFault) -> None:
        text = f"`{self._names[line]}`, listed in {shown(self._listing)}, {fault}"
        if not self._bad.skip:
            raise DataFault(text, fault.rule, note=fault.note) from None
        self._bad.met(self._listing, self._names[line].encode(), text)

    def close(self) -> None:
        """Nothing is open."""
