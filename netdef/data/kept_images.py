"""The decoded images of a small source, kept from their first use on."""

from collections.abc import Sequence

import numpy as np

LIMIT = 2**28
"""Bytes of decoded images that are kept for one data layer; a larger source is read every time."""


class KeptImages:
    """Images and labels by their number in the source, as long as all have one shape.

    Memory is taken page by page, as images arrive: an unused part of the source costs nothing.
    """

    def __init__(self, size: int, limit: int = LIMIT) -> None:
        """Keep nothing yet.

        Args:
            size: Number of images in the source.
            limit: Bytes that may be kept; what would take more is not kept at all.
        """
        self._size = size
        self._limit = limit
        self._images: np.ndarray | None = None
        self._labels = np.empty(0, np.float32)
        self._there = np.empty(0, bool)

    def find(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Return images (N, C, H, W) and labels (N,), or None unless all of them are there.

        Args:
            numbers: Their numbers, (N,), from 0; beyond the last the first follows.
        """
        if self._images is None:
            return None
        at = numbers % self._size
        if not self._there[at].all():
            return None
        return self._images[at], self._labels[at]

    def keep(
        self, numbers: np.ndarray, images: Sequence[np.ndarray] | np.ndarray, labels: np.ndarray
    ) -> None:
        """Keep images (C, H, W) and labels (N,); forget all when these are of another shape."""
        if self._images is None:
            self._start(images[0])
        mine = self._images
        if mine is None:
            return
        if any(image.shape != mine.shape[1:] or image.dtype != mine.dtype for image in images):
            self._images, self._limit = None, 0
            return
        for at, image, label in zip(numbers % self._size, images, labels, strict=True):
            mine[at], self._labels[at], self._there[at] = image, label, True

    def _start(self, image: np.ndarray) -> None:
        if image.nbytes * self._size > self._limit:
            self._limit = 0
            return
        self._images = np.empty((self._size, *image.shape), image.dtype)
        self._labels = np.empty(self._size, np.float32)
        self._there = np.zeros(self._size, bool)
