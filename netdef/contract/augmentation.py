"""What makes sense in `augmentation_param`, the random changes to images that Caffe has not."""

from typing import Any

from netdef.contract.instance import Instance

_AT = "transform_param.augmentation_param"
_SHARES = ("min_area", "max_area", "brightness", "contrast", "saturation", "erase")
_ERASED = ("min_erased", "max_erased")
_COLOURS = ("blue", "green", "red")
_HALF_TURN = 180.0
"""Degrees."""


def check_augmentation(n: Instance) -> None:
    """Fault values out of range, and fields that contradict each other."""
    if not n.message.transform_param.HasField("augmentation_param"):
        return
    p = _param(n)
    for name in (*_SHARES, *_ERASED):
        _check_range(n, name, 0, 1)
    if not p.min_area:
        n.fault(f"{_AT}.min_area", "`min_area` must be above 0")
    for low, high in (("min_area", "max_area"), _ERASED):
        if getattr(p, low) > getattr(p, high):
            text = f"`{low}` {getattr(p, low):g} is above `{high}` {getattr(p, high):g}"
            n.fault(f"{_AT}.{low}", text, because=(f"{_AT}.{high}",))
    _check_range(n, "max_aspect_ratio", 1)
    _check_range(n, "rotation", 0, _HALF_TURN)
    _check_range(n, "hue", 0, _HALF_TURN)
    _check_noise(n)


def check_colours(n: Instance, channels: int, because: tuple[str, ...] = ()) -> None:
    """Fault changes of colour to images without; `because` are the fields that made them so."""
    for name in ("saturation", "hue"):
        if getattr(_param(n), name) and channels != len(_COLOURS):
            text = f"`{name}` is for images of {len(_COLOURS)} channels; these have {channels}"
            n.fault(f"{_AT}.{name}", text, because=because)


def refuse_augmentation(n: Instance, reason: str) -> None:
    """Fault `augmentation_param` where there is one; `reason` follows the name of the type."""
    if n.message.transform_param.HasField("augmentation_param"):
        n.fault(_AT, f"{n.type} {reason}", "unsupported")


def _check_noise(n: Instance) -> None:
    p = _param(n)
    _check_range(n, "noise", 0)
    if p.noise_levels == 1:
        n.fault(f"{_AT}.noise_levels", "the only level would be 0; give at least 2")
    for name in ("noise_levels", "noise_label"):
        if getattr(p, name) and not p.noise:
            n.fault(f"{_AT}.{name}", f"`{name}` says nothing without `noise`")
    if p.noise_label and len(n.tops) < len(("image", "label")):
        n.fault(f"{_AT}.noise_label", "the layer has no second top for the label")


def _check_range(n: Instance, name: str, least: float, most: float = float("inf")) -> None:
    value = getattr(_param(n), name)
    if not (least <= value <= most and value < float("inf")):
        said = f"at least {least:g}" if most == float("inf") else f"from {least:g} to {most:g}"
        n.fault(f"{_AT}.{name}", f"`{name}` must be {said}, not {value:g}")


def _param(n: Instance) -> Any:
    return n.message.transform_param.augmentation_param
