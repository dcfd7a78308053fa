"""R-CNN's files of images and windows.

For every image, in words that spaces or line ends separate (`repeated` is R-CNN's own word):

    # index
    path
    channels height width
    number of windows
    class overlap x1 y1 x2 y2      (repeated)

Corners are pixels from 0 on, both within the window. Girshick et al., "Rich feature hierarchies for
accurate object detection and semantic segmentation", 2014.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netdef.data.faults import DataFault
from netdef.source.locate import shown

_SIZES = ("channels", "height", "width")
_PER_WINDOW = 6


@dataclass(frozen=True)
class Windows:
    """Images and the windows in them.

    Attributes:
        paths: Path of each image, as written.
        image: Index of the image of each window, (W,).
        label: Class of each window, (W,).
        overlap: Its overlap with an object of that class, 0 to 1, (W,) of float32.
        corners: x1, y1, x2, y2 in pixels, (W, 4).
    """

    paths: list[str]
    image: np.ndarray
    label: np.ndarray
    overlap: np.ndarray
    corners: np.ndarray


def read_windows(path: Path) -> Windows:
    """Read a file of windows.

    Raises:
        DataFault: It cannot be read, is empty, or is no such file.
    """
    try:
        words = iter(path.read_text(errors="replace").split())
    except OSError as fault:
        raise DataFault(f"cannot read {shown(path)}: {fault.strerror}") from None
    paths: list[str] = []
    windows: list[np.ndarray] = []
    try:
        for mark in words:
            if mark != "#" or int(next(words)) != len(paths):
                raise ValueError(mark)
            paths.append(next(words))
            windows.append(_of_image(words, len(paths) - 1))
    except (ValueError, StopIteration):
        text = f"{shown(path)} is no file of windows: image {len(paths)} is not `# {len(paths)}`,"
        text += " a path, channels, height, width and as many windows as it says"
        raise DataFault(text) from None
    if not paths:
        raise DataFault(f"{shown(path)} lists no images")
    table = np.concatenate(windows)
    return Windows(
        paths,
        image=table[:, 0].astype(np.int64),
        label=table[:, 1].astype(np.int64),
        overlap=table[:, 2].astype(np.float32),
        corners=table[:, 3:].astype(np.int64),
    )


def _of_image(words: Iterator[str], image: int) -> np.ndarray:
    """Return (windows, 7): image, class, overlap and corners."""
    for _ in _SIZES:  # what the file itself says counts, as in the reference
        int(next(words))
    count = int(next(words))
    values = [float(next(words)) for _ in range(count * _PER_WINDOW)]
    own = np.array(values, np.float64).reshape(count, _PER_WINDOW)
    return np.concatenate([np.full((count, 1), image), own], axis=1)
