"""How parameters start out: fillers as the schema has them, checked, then done by `ops.filled`."""

from typing import Any

from torch import Tensor

from netdef.contract.filler import FILLER_FIELDS, filler_mismatch, filler_problem
from netdef.schema import pb
from netdef.source import NetdefError, error
from netdef.torch_backend.ops.filled import filled


def fill(shape: tuple[int, ...], filler: pb.FillerParameter) -> Tensor:
    """Return a tensor of float32 on the CPU, filled.

    Random fillers draw from torch's global generator, so the same seed gives the same values
    whatever the device.

    Raises:
        NetdefError: The filler's type is unknown, its numbers make no sense, or it does not go
            with the shape.
    """
    return filled(shape, settings_of(shape, filler))


def settings_of(shape: tuple[int, ...], filler: pb.FillerParameter) -> dict[str, Any]:
    """Return a filler's type and the fields it heeds as plain values, as `ops.Filled` takes them.

    Args:
        shape: What is to be filled.
        filler: The filler.

    Raises:
        NetdefError: As `fill`.
    """
    problem = filler_problem(filler)
    if problem is not None:
        raise NetdefError(error(problem.rule, problem.message, note=problem.note))
    mismatch = filler_mismatch(filler, shape)
    if mismatch is not None:
        raise NetdefError(error("bad-filler", mismatch))
    settings = {name: getattr(filler, name) for name in FILLER_FIELDS[filler.type]}
    if "variance_norm" in settings:
        norm = pb.FillerParameter.VarianceNorm.Name(filler.variance_norm)
        settings["variance_norm"] = norm
    return {"type": filler.type, **settings}
