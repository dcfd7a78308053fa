"""Random changes to images in training, beyond what Caffe has (`augmentation_param`).

In this order: cutting and turning, colours, noise; then mean and scale as for any image; then a
rectangle is erased, and the whole may be flipped.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from netdef.data.colors import ColorChange
from netdef.data.randomness import below, draw, normals, unit
from netdef.data.sampling import Window
from netdef.data.transformer import Transformer

_MOST = 255.0
"""What bytes are held to after their colours changed."""
_ERASED_ASPECT = 0.3
"""Least ratio of the sides of what is erased (Zhong et al., "Random Erasing", 2017)."""


@dataclass(frozen=True)
class Change:
    """What is drawn for one record.

    Attributes:
        number: The record.
        cut: Random words for the area, the ratio of the sides, the row and the column of the cut.
        color: Random words for brightness, contrast, saturation and hue.
        other: Random words for the turn, the level of noise, and whether something is erased.
        erased: Random words for the area, the ratio of the sides, the row and the column.
    """

    number: int
    cut: np.ndarray
    color: np.ndarray
    other: np.ndarray
    erased: np.ndarray


class Augmentation:
    """The random changes of one data layer; what is drawn depends on nothing but the record.

    Cutting: Szegedy et al., "Going deeper with convolutions", 2015.
    """

    def __init__(self, param: Any, seed: int, layer: str) -> None:
        """Take the settings.

        Args:
            param: The AugmentationParameter; its values make sense.
            seed: The seed of the run.
            layer: The name of the layer, which the streams of random numbers are called after.
        """
        self._p = param
        self._seed = seed
        self._stream = f"{layer}/augmentation"
        self._cuts = (param.min_area, param.max_area, param.max_aspect_ratio) != (1, 1, 1)

    def drawn(self, numbers: range) -> list[Change]:
        """Return what happens to records."""
        start, count = numbers.start, numbers.stop - numbers.start
        words = [
            draw(self._seed, f"{self._stream}/{purpose}", start, count)[:: numbers.step]
            for purpose in ("cut", "color", "other", "erased")
        ]
        return [Change(number, *(w[i] for w in words)) for i, number in enumerate(numbers)]

    def labels(self, changes: list[Change], given: np.ndarray) -> np.ndarray:
        """Return the labels, (N,) of float32: those given, or the levels of the noise."""
        if not self._p.noise_label:
            return given
        kept = [self._level(change) for change in changes]
        return np.array([deviation if index is None else index for index, deviation in kept], "f4")

    def into(
        self,
        out: np.ndarray,
        image: np.ndarray,
        words: np.ndarray,
        transformer: Transformer,
        change: Change,
    ) -> None:
        """Change and transform one image.

        Args:
            out: Where it goes, float32 of the shape that `transformer.shape_for` tells.
            image: (C, H, W) of uint8 or float32.
            words: Random words of the transformer, (4,).
            transformer: What is done to any image.
            change: What is drawn for this one.

        Raises:
            DataFault: The image or the mean does not fit the crop.
        """
        _, height, width = image.shape
        rows, columns = out.shape[1:]
        mean = transformer.mean_for(image.shape)
        window = self._window(image, words, transformer, change)
        seen = window.of(image, rows, columns)
        seen = self._recolored(seen, image.dtype == np.uint8, change)
        deviation = self._level(change)[1]
        if deviation:
            noise = normals(self._seed, f"{self._stream}/noise", change.number, seen.size)
            seen += noise.reshape(seen.shape) * np.float32(deviation)
        if mean is not None:
            seen -= window.of(mean, rows, columns) if mean.shape[1:] != (1, 1) else mean
        seen *= np.float32(transformer.scale)
        inside = window.inside(height, width, rows, columns)
        if inside is not None:
            seen *= inside
        self._erase(seen, change)
        transformer.flipped(out, words)[...] = seen

    def _window(
        self, image: np.ndarray, words: np.ndarray, transformer: Transformer, change: Change
    ) -> Window:
        turn = self._p.rotation * _signed(change.other[0])
        row, column, height, width = transformer.window(image.shape, words)
        if not self._cuts:
            return Window(row, column, height, width, turn)
        size = image.shape[1], image.shape[2]
        low, high = self._p.min_area, self._p.max_area
        area = size[0] * size[1] * (low + (high - low) * float(unit(change.cut[0])))
        ratio = width / height * self._p.max_aspect_ratio ** _signed(change.cut[1])
        return Window(*_placed(area, ratio, size, change.cut), turn)

    def _recolored(self, image: np.ndarray, as_bytes: bool, change: Change) -> np.ndarray:
        p = self._p
        factors = (p.brightness, p.contrast, p.saturation)
        if not any((*factors, p.hue)):
            return image
        drawn = [1 + most * _signed(w) for most, w in zip(factors, change.color, strict=False)]
        changed = ColorChange(*drawn, hue=p.hue * _signed(change.color[3]))(image)
        return np.clip(changed, 0, _MOST) if as_bytes else changed

    def _level(self, change: Change) -> tuple[int | None, float]:
        """Return the number of the level of noise, if there are such, and the deviation."""
        levels, most = self._p.noise_levels, self._p.noise
        if not levels:
            return None, most * float(unit(change.other[1]))
        index = int(below(change.other[1], levels))
        return index, most * index / (levels - 1)

    def _erase(self, out: np.ndarray, change: Change) -> None:
        p = self._p
        if float(unit(change.other[2])) >= p.erase:
            return
        share = p.min_erased + (p.max_erased - p.min_erased) * float(unit(change.erased[0]))
        size = out.shape[1], out.shape[2]
        ratio = _ERASED_ASPECT ** _signed(change.erased[1])
        row, column, height, width = _placed(share * size[0] * size[1], ratio, size, change.erased)
        top, left = round(row), round(column)
        out[:, top : round(row + height), left : round(column + width)] = 0


def _placed(
    area: float, ratio: float, size: tuple[int, int], words: np.ndarray
) -> tuple[float, float, float, float]:
    """Return row, column, height and width of a rectangle within (rows, columns).

    Its area and its width over height are as given, unless it would not fit; the third and fourth
    words say where it lies.
    """
    height, width = min((area / ratio) ** 0.5, size[0]), min((area * ratio) ** 0.5, size[1])
    row, column = (
        (size[0] - height) * float(unit(words[2])),
        (size[1] - width) * float(unit(words[3])),
    )
    return row, column, height, width


def _signed(word: np.ndarray) -> float:
    """Turn a random word into a number from -1 up to, not including, 1."""
    return 2 * float(unit(word)) - 1
