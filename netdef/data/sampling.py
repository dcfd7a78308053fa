"""Looking at an image through a window that may be turned and of another size."""

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np


@dataclass(frozen=True)
class Window:
    """A rectangle of an image, in pixels; the first pixel covers 0 to 1.

    Attributes:
        row: Its upper edge.
        column: Its left edge.
        height: Its height.
        width: Its width.
        turn: How far the image is turned behind it, about the image's centre, in degrees.
    """

    row: float
    column: float
    height: float
    width: float
    turn: float = 0.0

    def of(self, image: np.ndarray, rows: int, columns: int) -> np.ndarray:
        """Return what is seen, in another number of rows and columns.

        Bilinear between the middles of the pixels, as OpenCV resizes: nothing is averaged over
        larger areas. Outside the image it is 0.

        Args:
            image: (C, H, W).
            rows: Rows of the result.
            columns: Columns of the result.

        Returns:
            float32 of shape (C, rows, columns).
        """
        if not self.turn and (self.height, self.width) == (rows, columns):
            row, column = round(self.row), round(self.column)
            if (row, column) == (self.row, self.column):
                return image[:, row : row + rows, column : column + columns].astype(np.float32)
        from PIL import Image

        matrix = self._matrix(image.shape[1], image.shape[2], rows, columns)
        out = np.empty((len(image), rows, columns), np.float32)
        for channel, plane in enumerate(image):
            picture = Image.fromarray(np.ascontiguousarray(plane, np.float32))
            seen = picture.transform(
                (columns, rows), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
            )
            out[channel] = np.asarray(seen)
        return out

    def inside(self, height: int, width: int, rows: int, columns: int) -> np.ndarray | None:
        """Return where the result shows the image, (rows, columns) of bool; None: everywhere."""
        if not self.turn:
            return None
        seen = self.of(np.ones((1, height, width), np.float32), rows, columns)
        return seen[0] > 0

    def _matrix(
        self, height: int, width: int, rows: int, columns: int
    ) -> tuple[float, float, float, float, float, float]:
        """Return what makes the place in the image (x, y) of a place in the result."""
        across, down = self.width / columns, self.height / rows
        c, s = cos(radians(self.turn)), sin(radians(self.turn))
        x, y = self.column - width / 2, self.row - height / 2
        return (
            c * across, -s * down, c * x - s * y + width / 2,
            s * across, c * down, s * x + c * y + height / 2,
        )  # fmt: skip
