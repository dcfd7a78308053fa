"""Resize and Upsample."""

import numpy as np

from netdef.onnx_backend.importing.net_builder import Blob
from netdef.onnx_backend.importing.operator import Operator
from netdef.onnx_backend.importing.registry import converts
from netdef.onnx_backend.importing.unsupported import refuse

_IMAGES = 4


@converts("Resize", "Upsample")
def resize(op: Operator) -> Blob:
    """Upsample where pixels are repeated, Interp for lines between corners."""
    old, new = op.shape(), op.top_shape()
    if old == new:
        return op.bottom()
    if len(old) not in (3, _IMAGES) or old[:-2] != new[:-2]:
        refuse("only rows and columns can be resized, the last of three or four axes")
    mode = op.attribute("mode", "nearest")
    transform = op.attribute("coordinate_transformation_mode", "half_pixel")
    if mode == "nearest":
        return _repeated(op, old[-2:], new[-2:], transform)
    if mode == "linear" and transform == "align_corners" and len(old) == _IMAGES:
        return op.layer("Interp", op.bottom(), height=new[2], width=new[3])
    return refuse(
        f"mode {mode} with {transform} has no layer; nearest by a whole factor is Upsample, "
        "linear with align_corners is Interp"
    )


def _repeated(op: Operator, old: tuple[int, ...], new: tuple[int, ...], transform: str) -> Blob:
    factors = [after // before for before, after in zip(old, new, strict=True)]
    for before, after, factor in zip(old, new, factors, strict=True):
        repeats = np.arange(after) // max(factor, 1)
        if before * factor != after or np.any(_sources(op, before, after, transform) != repeats):
            refuse(f"it does not repeat every pixel equally often ({before} become {after})")
    if factors[0] == factors[1]:
        return op.layer("Upsample", op.bottom(), scale=factors[0])
    return op.layer("Upsample", op.bottom(), scale_h=factors[0], scale_w=factors[1])


def _sources(op: Operator, before: int, after: int, transform: str) -> np.ndarray:
    """Return which pixel every new one is taken from, by the formulas of ONNX's Resize."""
    places, scale = np.arange(after, dtype=np.float64), after / before
    if transform in ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel"):
        exact = (places + 0.5) / scale - 0.5
    elif transform == "align_corners":
        exact = places * (before - 1) / max(after - 1, 1)
    elif transform == "asymmetric":
        exact = places / scale
    else:
        return refuse(f"coordinates are transformed by {transform}")
    rounding = op.attribute("nearest_mode", "round_prefer_floor")
    found = {
        "round_prefer_floor": np.ceil(exact - 0.5),
        "round_prefer_ceil": np.floor(exact + 0.5),
        "floor": np.floor(exact),
        "ceil": np.ceil(exact),
    }[rounding]
    return np.clip(found, 0, before - 1)
