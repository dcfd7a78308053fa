"""Fillers as the schema has them: which there are, what they heed, what makes no sense."""

from netdef.contract.fault import Problem
from netdef.ir import Shape
from netdef.schema import pb
from netdef.source.suggest import did_you_mean

FILLER_FIELDS: dict[str, tuple[str, ...]] = {
    "constant": ("value",),
    "uniform": ("min", "max"),
    "gaussian": ("mean", "std", "sparse"),
    "positive_unitball": (),
    "xavier": ("variance_norm",),
    "msra": ("variance_norm",),
    "bilinear": (),
}
"""The fields of FillerParameter that each type heeds."""

_BY_ROW = frozenset({"positive_unitball", "xavier", "msra"})
_KERNEL_RANK = 4


def filler_problem(filler: pb.FillerParameter) -> Problem | None:
    """Return what is wrong with a filler's type or numbers; the path is inside the filler."""
    heeded = FILLER_FIELDS.get(filler.type)
    if heeded is None:
        near = did_you_mean(filler.type, FILLER_FIELDS)
        note = near or f"it is one of {', '.join(sorted(FILLER_FIELDS))}"
        return Problem("type", f"`{filler.type}` is not a filler", "unknown-filler", note)
    if "max" in heeded and not filler.min <= filler.max:
        text = (
            f"the {filler.type} filler needs `min` <= `max`, not {filler.min:g} and {filler.max:g}"
        )
        return Problem("min", text, "bad-filler", because=("max",))
    if "std" in heeded and not filler.std >= 0:
        text = f"the {filler.type} filler needs a `std` of at least 0, not {filler.std:g}"
        return Problem("std", text, "bad-filler")
    if "sparse" in heeded and filler.sparse < -1:
        wanted = "a `sparse` of at least 0, or -1 for none"
        text = f"the {filler.type} filler needs {wanted}, not {filler.sparse}"
        return Problem("sparse", text, "bad-filler")
    return None


def filler_mismatch(filler: pb.FillerParameter, shape: Shape) -> str | None:
    """Return why a filler cannot fill a shape, as a sentence, or None."""
    if filler.type == "bilinear" and (len(shape) != _KERNEL_RANK or shape[2] != shape[3]):
        wanted = "a square kernel (outputs, inputs, k, k)"
        return f"the bilinear filler needs {wanted}, not the shape {shape}"
    sparse = filler.type == "gaussian" and filler.sparse >= 0
    if not shape and (filler.type in _BY_ROW or sparse):
        return f"the {filler.type} filler needs at least one axis, not a single number"
    return None
