"""Operands that are laid along some axes of the input: the factor of Scale, the bias of Bias."""

from dataclasses import dataclass
from typing import Any

from netdef.contract.instance import Instance
from netdef.ir import Shape


@dataclass(frozen=True, slots=True)
class Operand:
    """Values for every index of some of the input's axes: learned, or the second bottom.

    Attributes:
        shape: Their shape; without axes they are one number for everything.
        behind: How many axes of the input follow those it spans.
        per_channel: Whether they are learned and there is one per channel (axis 1).
    """

    shape: Shape
    behind: int
    per_channel: bool

    def laid_along(self, g: Any, value: Any) -> Any:
        """Return a value of this shape as one that ONNX broadcasts over the input."""
        if not self.behind:
            return value
        rank = len(self.shape)
        return g.op("Unsqueeze", value, g.constant(range(rank, rank + self.behind)))


def operand_of(n: Instance, what: str) -> Operand:
    """Read the operand of a layer that has `axis` and `num_axes`, and one or two bottoms.

    Args:
        n: The layer.
        what: What to call the operand in messages.
    """
    learned = len(n.ins) == 1
    shape = _learned_shape(n) if learned else _second_shape(n, what)
    if not shape:
        return Operand((), 0, per_channel=False)
    rank = len(n.ins[0])
    axis = n.axis("axis", rank)
    per_channel = learned and axis == 1 and len(shape) == 1
    return Operand(shape, rank - axis - len(shape), per_channel)


def _learned_shape(n: Instance) -> Shape:
    rank, axes = len(n.ins[0]), n.p.num_axes
    if axes < -1:
        n.fault("num_axes", f"`num_axes` is {axes}; -1 stands for all axes from `axis` on")
    if axes == 0:
        return ()
    axis = n.axis("axis", rank)
    end = rank if axes < 0 else axis + axes
    if end > rank:
        n.fault(
            "num_axes",
            f"{axes} axes from axis {axis} on, but the input has {rank} axes",
            note="`num_axes: -1` takes all axes from `axis` on",
            because=("axis",),
        )
    return n.ins[0][axis:end]


def _second_shape(n: Instance, what: str) -> Shape:
    x, second = n.ins
    if not second:
        return ()
    axis = n.axis("axis", len(x))
    if x[axis : axis + len(second)] != second:
        n.mismatch(
            "bottom[1]",
            f"the {what} has the shape {second}, but the input's axes from axis {axis} on are "
            f"{x[axis:]}",
            note=f"the {what}'s shape must begin at `axis` of the input",
            because=("axis",),
        )
    return second
