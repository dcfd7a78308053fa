"""The handwritten digits that scikit-learn carries, as train and test databases.

They are the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, UCI
Machine Learning Repository, 1998): 1,797 images of 8 x 8 pixels with values 0 to 16, light on dark.
"""

from pathlib import Path
from typing import Any

import numpy as np

from netdef.data.datum import from_pixels
from netdef.data.lmdb_writer import LmdbWriter
from netdef.data.randomness import permutation
from netdef.source import NetdefError, error

SIZE = 28
"""Rows and columns after scaling up, those of MNIST."""

_BRIGHTEST = 16
_TEST_SHARE = 5
"""One in so many digits of each class is for testing."""


def write_digits(folder: Path, force: bool = False) -> dict[Path, int]:
    """Write `digits_train_lmdb` and `digits_test_lmdb` into a folder.

    The images are scaled to (1, 28, 28), bytes 0 to 255. A fifth of each class is for testing, the
    same images every time; both databases are in random order, also the same every time.

    Args:
        folder: Where the databases go; it is made if need be.
        force: Whether databases that are there are replaced.

    Returns:
        The number of records of each database, by its path.

    Raises:
        NetdefError: A database is there already, or scikit-learn is not installed, or the folder
            cannot be written.
    """
    train = LmdbWriter(folder / "digits_train_lmdb", force)
    test = LmdbWriter(folder / "digits_test_lmdb", force)
    images, labels = _load()
    with train, test:
        for writer, chosen in zip((train, test), split(labels), strict=True):
            for number, index in enumerate(chosen):
                datum = from_pixels(_scaled_up(images[index]), int(labels[index]))
                writer.put(b"%08d" % number, datum.SerializeToString())
    return {writer.path: writer.count for writer in (train, test)}


def split(labels: np.ndarray) -> tuple[list[int], list[int]]:
    """Return the indices of the train and of the test images, about 80 % and 20 % of each class."""
    drawn = permutation(0, "digits/split", len(labels), 0)
    test: set[int] = set()
    for label in np.unique(labels):
        members = drawn[labels[drawn] == label]
        test.update(members[: round(len(members) / _TEST_SHARE)].tolist())
    # Another order than the one drawn from, in which the rest of a class comes late.
    indices: list[int] = permutation(0, "digits/order", len(labels), 0).tolist()
    return [i for i in indices if i not in test], [i for i in indices if i in test]


def _load() -> tuple[np.ndarray, np.ndarray]:
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        text = "the digits come with scikit-learn, which is not installed"
        raise NetdefError(error("missing-package", text, note="pip install netdef[demo]")) from None
    digits: Any = load_digits()
    return digits.images, digits.target


def _scaled_up(image: np.ndarray) -> np.ndarray:
    """Return an (8, 8) image of values 0 to 16 as (1, 28, 28) of uint8."""
    from PIL import Image

    values = Image.fromarray((image * (255 / _BRIGHTEST)).astype(np.float32))
    large = np.asarray(values.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    return np.clip(np.rint(large), 0, 255).astype(np.uint8)[None]
