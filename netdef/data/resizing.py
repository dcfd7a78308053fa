"""Bilinear resizing to the bit as OpenCV does it, which made the data sets of Caffe's time.

Each pixel is mixed from its four neighbours, however much an image shrinks: nothing is averaged
over larger areas, as Pillow would. For bytes OpenCV computes with weights of 11 bits; the columns
first, exactly, then the rows with the last four bits cut off.
"""

import numpy as np

_BITS = 11
_CUT = 4
"""Bits that are dropped between the columns and the rows, so that products fit into 32 bits."""


def resized(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return an image of another size.

    Args:
        image: (C, H, W) of uint8.
        rows: H of the result, at least 1.
        columns: W of the result, at least 1.

    Returns:
        (C, rows, columns) of uint8.
    """
    height, width = image.shape[1:]
    if (rows, columns) == (height, width):
        return image
    if (2 * rows, 2 * columns) == (height, width):  # OpenCV averages 2 x 2 pixels, then rounds
        return _halved(image)
    top, bottom, row_weights = _taps(height, rows)
    left, right, column_weights = _taps(width, columns)
    # Where both neighbours are one, weights that do not quite sum up would show, of columns only.
    column_weights[:, left == right] = [[1 << _BITS], [0]]
    mixed = np.take(image, left, axis=2).astype(np.int32) * column_weights[0]
    mixed += np.take(image, right, axis=2) * column_weights[1]
    mixed >>= _CUT
    # 22 - 4 bits of weights are left: 16 go before the sum, two with rounding.
    upper = mixed[:, top] * row_weights[0][:, None] >> 16
    lower = mixed[:, bottom] * row_weights[1][:, None] >> 16
    return ((upper + lower + 2) >> 2).astype(np.uint8)


def _taps(before: int, after: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two neighbours of each new pixel, (after,) each, and their weights (2, after).

    Pixels are squares: the middle of the first is at 0.5. Beyond the border its pixel goes on.
    """
    middle = (np.arange(after) + 0.5) * (1 / (after / before)) - 0.5
    at = middle.astype(np.float32)
    first = np.floor(at).astype(np.int64)
    share = at - first.astype(np.float32)
    scale = np.float32(1 << _BITS)
    weights = np.rint(np.stack([(np.float32(1) - share) * scale, share * scale])).astype(np.int32)
    return np.clip(first, 0, before - 1), np.clip(first + 1, 0, before - 1), weights


def _halved(image: np.ndarray) -> np.ndarray:
    channels, height, width = image.shape
    blocks = image.reshape(channels, height // 2, 2, width // 2, 2)
    return ((blocks.sum(axis=(2, 4), dtype=np.uint16) + 2) >> 2).astype(np.uint8)
