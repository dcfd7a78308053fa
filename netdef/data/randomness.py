"""Random numbers that depend on nothing but what they are for.

A draw is a function of (seed, stream, epoch, position): no generator is carried along, so resuming
in the middle, reading ahead or reading with several workers gives the same numbers. They come from
Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): the key is the
seed and the stream's CRC-32, the counter the position and the epoch. Only raw words are used, which
numpy promises to keep as they are; what it makes of them may change from version to version.
"""

from zlib import crc32

import numpy as np

WORDS = 4
"""Random words per position."""

_WORD = 2**64 - 1


def draw(seed: int, stream: str, start: int, count: int, epoch: int = 0) -> np.ndarray:
    """Return random words for the positions from `start` on.

    Args:
        seed: The seed of the run, any integer.
        stream: What the numbers are for, such as a layer's name and the purpose.
        start: The first position, at least 0.
        count: How many positions.
        epoch: Which pass over the data, where positions start anew with each.

    Returns:
        uint64 of shape (count, 4).
    """
    key = np.array([seed & _WORD, crc32(stream.encode())], np.uint64)
    counter = np.array([start, epoch, 0, 0], np.uint64)
    words = np.random.Philox(key=key, counter=counter).random_raw(WORDS * count)
    return words.reshape(count, WORDS)


def below(words: np.ndarray, limit: np.ndarray | int) -> np.ndarray:
    """Turn random words into whole numbers from 0 up to, not including, `limit` (below 2**31)."""
    scaled = (words >> np.uint64(32)) * np.asarray(limit, np.uint64)
    return (scaled >> np.uint64(32)).astype(np.int64)


def unit(words: np.ndarray) -> np.ndarray:
    """Turn random words into float64 from 0 up to, not including, 1."""
    return (words >> np.uint64(11)) * 2.0**-53


def normals(seed: int, stream: str, position: int, count: int) -> np.ndarray:
    """Return normally distributed numbers, mean 0 and deviation 1, that belong to one position.

    Box and Muller's way (1958): every word gives two uniform numbers, and those give two normal
    ones.

    Args:
        seed: The seed of the run.
        stream: What the numbers are for.
        position: What they belong to, such as a record.
        count: How many.

    Returns:
        float32 of shape (count,).
    """
    pairs = (count + 1) // 2
    words = draw(seed, stream, 0, -(-pairs // WORDS), epoch=position).reshape(-1)[:pairs]
    first = ((words >> np.uint64(32)).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-32)
    second = (words & np.uint64(2**32 - 1)).astype(np.float32) * np.float32(2.0**-32)
    radius = np.sqrt(np.float32(-2) * np.log(first))
    angle = np.float32(2 * np.pi) * second
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]


def heads(words: np.ndarray) -> np.ndarray:
    """Turn random words into booleans, each true with probability 1/2."""
    return (words >> np.uint64(63)).astype(bool)


def permutation(seed: int, stream: str, count: int, epoch: int) -> np.ndarray:
    """Return the numbers 0 to count - 1 in random order, another one for each epoch."""
    return np.argsort(draw(seed, stream, 0, count, epoch)[:, 0], kind="stable")
