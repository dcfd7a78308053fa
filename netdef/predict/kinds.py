"""What the outputs of a net are, told by their shapes."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from netdef.ir import show_shape
from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean

_DETECTION = 7
"""Values of a detection: image, label, score, left, top, right, bottom."""
_USUAL = "prob"


def is_scores(values: np.ndarray) -> bool:
    """Whether a blob holds a score per class: (N, K), (N, K, 1, 1)."""
    shape = values.shape
    return len(shape) > 1 and shape[1] > 1 and prod(shape[2:]) == 1


def is_detections(values: np.ndarray) -> bool:
    """Whether a blob holds detections as SSD's: (1, 1, R, 7)."""
    shape = values.shape
    return len(shape) == 4 and shape[:2] == (1, 1) and shape[3] == _DETECTION


def output_of(values: Mapping[str, np.ndarray], asked: str | None, drawing: bool) -> str:
    """Return the output that answers: detections where there are any, else scores.

    Args:
        values: The outputs of a net, of one batch.
        asked: The one that is asked for.
        drawing: Whether detections are wanted.

    Raises:
        NetdefError: There is none of the kind, or several (rule `no-prediction`).
    """
    names = [asked] if asked is not None else list(values)
    boxes = [name for name in names if is_detections(values[name])]
    scores = [name for name in names if is_scores(values[name])]
    found = boxes if drawing or boxes else scores
    if len(found) > 1 and _USUAL in found:
        return _USUAL
    if len(found) == 1:
        return found[0]
    raise NetdefError(_no_answer(values, found, asked, drawing))


def check_output(asked: str | None, outputs: Sequence[str]) -> None:
    """See that an output that is asked for is one.

    Raises:
        NetdefError: It is none (rule `unknown-blob`).
    """
    if asked is not None and asked not in outputs:
        note = did_you_mean(asked, outputs) or f"outputs of the net: {', '.join(outputs)}"
        text = f"`{asked}` is no output of this net"
        raise NetdefError(error("unknown-blob", text, note=note))


def _no_answer(
    values: Mapping[str, np.ndarray], found: Sequence[str], asked: str | None, drawing: bool
):
    what = "detections (1, 1, R, 7)" if drawing else "scores (N, K) or detections (1, 1, R, 7)"
    shapes = ", ".join(f"`{name}` {show_shape(array.shape)}" for name, array in values.items())
    if found:
        text = f"several outputs hold {what}: {', '.join(f'`{name}`' for name in found)}"
        return error("no-prediction", text, note="choose one with --output")
    which = f"the output `{asked}` does not hold" if asked else "no output of this net holds"
    note = f"outputs: {shapes}; --blob NAME -o FILE writes any blob as it is"
    return error("no-prediction", f"{which} {what}", note=note)
