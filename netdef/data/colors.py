"""Changes of brightness, contrast, saturation and hue."""

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np

_GRAY = np.array([0.114, 0.587, 0.299])
"""Shares of blue, green and red in the luminance (ITU-R BT.601)."""
_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
"""Red, green, blue to luminance and two of colour (NTSC, 1953)."""


@dataclass(frozen=True)
class ColorChange:
    """A change of the colours of one image.

    Attributes:
        brightness: Factor on all values.
        contrast: Factor on the distance from the image's mean grey.
        saturation: Factor on the distance of a pixel from its grey.
        hue: How far colours are turned about the axis of the greys (of YIQ), in degrees.
    """

    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return an image with its colours changed.

        Args:
            image: (C, H, W) of float32; saturation and hue need the three channels blue, green,
                red.

        Returns:
            float32 of the same shape.
        """
        out = image
        if self.saturation != 1 or self.hue:
            out = _mixed(out, self._mixture())
        if self.brightness != 1:
            out = out * np.float32(self.brightness)
        if self.contrast != 1:
            middle = np.float32(_mean_gray(out))
            out = (out - middle) * np.float32(self.contrast) + middle
        return out

    def _mixture(self) -> np.ndarray:
        """Return the (3, 3) matrix of saturation and hue for blue, green, red."""
        gray = np.tile(_GRAY, (3, 1))
        saturated = gray + self.saturation * (np.eye(3) - gray)
        c, s = cos(radians(self.hue)), sin(radians(self.hue))
        turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
        turned = np.linalg.inv(_YIQ) @ turn @ _YIQ
        return saturated @ turned[::-1, ::-1]


def _mixed(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    # Written out: a matrix product may round otherwise on another number of threads.
    m = matrix.astype(np.float32)
    return np.stack([row[0] * image[0] + row[1] * image[1] + row[2] * image[2] for row in m])


def _mean_gray(image: np.ndarray) -> float:
    means = image.mean(axis=(1, 2), dtype=np.float64)
    return float(means @ _GRAY if len(means) == len(_GRAY) else means.mean())
