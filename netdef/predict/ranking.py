"""The classes with the highest scores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Guess:
    """A class and its score.

    Attributes:
        number: The class, from 0 on.
        label: Its name; "" where none is known.
        score: Its score: a probability behind a softmax.
    """

    number: int
    label: str
    score: float


def ranking(scores: np.ndarray, labels: Mapping[int, str], most: int) -> list[list[Guess]]:
    """Return the best classes of every image, best first; of equal ones, the first.

    Args:
        scores: (N, K), or with axes of one element behind.
        labels: The names of classes.
        most: How many of each image.
    """
    table = scores.reshape(len(scores), -1)
    order = np.argsort(-table, axis=1, kind="stable")[:, :most]
    return [
        [Guess(int(k), labels.get(int(k), ""), float(row[k])) for k in best]
        for row, best in zip(table, order, strict=True)
    ]
