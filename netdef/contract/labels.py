"""The shape rule of class labels."""

from netdef.contract.instance import Instance
from netdef.contract.shapes import count
from netdef.ir import Shape


def check_labels(n: Instance, axis: int, scores: Shape | None = None, field: str = "axis") -> None:
    """Fault labels (bottom 1) that do not fit the scores.

    There must be one per position: as many as the scores have elements without the class axis, in
    that order; how they are cut into axes does not matter.

    Args:
        n: The layer.
        axis: The class axis of the scores, counted from the front.
        scores: The shape of the scores as the layer takes them; that of bottom 0 if None.
        field: The field that says which axis that is, if there is one.
    """
    labels = n.ins[1]
    scores = n.ins[0] if scores is None else scores
    positions = scores[:axis] + scores[axis + 1 :]
    if count(labels) != count(positions):
        sizes = " x ".join(map(str, positions)) or "1"
        wanted = f"the scores need {count(positions)} labels ({sizes})"
        one_hot = count(labels) == count(scores)
        note = "labels are class numbers: one per position, not one per class" if one_hot else None
        text = f"{wanted}, but there are {count(labels)}"
        n.fault("bottom[1]", text, "shape-mismatch", note, because=(field,))
    elif axis and labels and labels[0] != scores[0]:
        text = f"the first axis is {scores[0]} in the scores and {labels[0]} in the labels"
        n.fault("bottom[1]", text, "shape-mismatch", because=(field,))
