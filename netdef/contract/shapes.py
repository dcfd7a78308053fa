"""Shape arithmetic that several layer types share."""

from math import prod

from netdef.ir import Shape


def count(shape: Shape, start: int = 0, end: int | None = None) -> int:
    """Return the number of elements of the axes from `start` up to `end`."""
    return prod(shape[start:end])


def alike(a: Shape, b: Shape) -> bool:
    """Return whether two shapes are the same but for axes of size 1 at the end."""
    rank = max(len(a), len(b))
    return a + (1,) * (rank - len(a)) == b + (1,) * (rank - len(b))


def convolved_size(size: int, kernel: int, stride: int, pad: int, dilation: int) -> int:
    """Return the size of a convolution's output along one axis; below 1 when nothing fits."""
    return (size + 2 * pad - (dilation * (kernel - 1) + 1)) // stride + 1


def deconvolved_size(size: int, kernel: int, stride: int, pad: int, dilation: int) -> int:
    """Return the size of a deconvolution's output along one axis; below 1 when nothing is left."""
    return stride * (size - 1) + dilation * (kernel - 1) + 1 - 2 * pad


def pooled_size(
    size: int, kernel: int, stride: int, pad: int, *, floor: bool = False, clip: bool = False
) -> int:
    """Return the size of a pooling's output along one axis.

    Args:
        size: Size of the input, without padding.
        kernel: Size of the window.
        stride: Distance of two windows.
        pad: Padding at each end.
        floor: Round down instead of up.
        clip: Drop a last window that would start in the padding. The reference does so only when
            one of the axes has padding, and then on all of them.
    """
    span = size + 2 * pad - kernel
    pooled = (span // stride if floor else -(-span // stride)) + 1
    if clip and (pooled - 1) * stride >= size + pad:
        pooled -= 1
    return pooled
