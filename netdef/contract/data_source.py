"""What data layers share: sizes that must be given, sources, what `transform_param` crops."""

from collections.abc import Sequence

from netdef.contract.augmentation import check_augmentation, check_colours
from netdef.contract.instance import Instance
from netdef.ir import Shape

_CROP = ("transform_param.crop_size", "transform_param.crop_h", "transform_param.crop_w")
_OF_FORKS = {
    "resize_param": "SSD",
    "noise_param": "SSD",
    "distort_param": "SSD",
    "expand_param": "SSD",
    "emit_constraint": "SSD",
    "scale_factors": "DeepLab",
    "is_flow": "TSN",
    "multi_scale": "TSN",
    "scale_ratios": "TSN",
    "max_distort": "TSN",
    "fix_crop": "TSN",
}
"""Fields of `transform_param` that only forks' own data layers carry out."""
_INSTEAD = {
    "noise_param": "`augmentation_param` has `noise`",
    "distort_param": "`augmentation_param` has `brightness`, `contrast`, `saturation` and `hue`",
    "multi_scale": "`augmentation_param` has `min_area` and `max_aspect_ratio`",
}


def check_positive(n: Instance, *fields: str) -> None:
    """Fault whole numbers of the type's own message that are missing or below 1."""
    for name in fields:
        value = getattr(n.p, name)
        if value >= 1:
            continue
        if n.p.HasField(name):
            n.fault(name, f"`{name}` must be at least 1, not {value}")
        else:
            n.fault(name, f"{n.type} needs `{name}`", rule="missing-field")


def check_source(n: Instance, what: str) -> None:
    """Fault a missing `source`; `what` says what it is."""
    if not n.p.source:
        n.fault("source", f"{n.type} needs `source`, {what}", rule="missing-field")


def probed(n: Instance) -> Sequence[Shape] | None:
    """Ask the source for the shape of one item per top; None when it is not there, or damaged."""
    try:
        return n.probe()
    except ValueError as fault:  # it is there, but something is wrong with it
        n.fault("source", str(fault), rule="bad-source")
        return None


def check_transform(n: Instance) -> None:
    """Fault fields of `transform_param` that contradict each other."""
    transform = n.message.transform_param
    if transform.HasField("mean_file") and transform.mean_value:
        n.fault("transform_param.mean_value", "give `mean_file` or `mean_value`, not both")
    if transform.force_gray and transform.force_color:
        n.fault("transform_param.force_gray", "an image cannot have one channel and three")
    rows, columns = crop_of(n)
    if bool(rows) != bool(columns):
        path = f"transform_param.{'crop_h' if rows else 'crop_w'}"
        n.fault(path, "give `crop_h` and `crop_w`, or `crop_size`", because=_CROP)
    for field, _ in transform.ListFields():
        fork = _OF_FORKS.get(field.name)
        if fork:
            text = (
                f"`{field.name}` is for data layers of {fork}'s own; {n.type} cannot carry it out"
            )
            n.fault(f"transform_param.{field.name}", text, "unsupported", _INSTEAD.get(field.name))
    check_augmentation(n)


def crop_of(n: Instance) -> tuple[int, int]:
    """Return rows and columns of the crop in `transform_param`; 0 where there is none."""
    transform = n.message.transform_param
    return transform.crop_h or transform.crop_size, transform.crop_w or transform.crop_size


def transformed(n: Instance, image: Shape, because: tuple[str, ...] = ()) -> Shape:
    """Return what `transform_param` makes of an image (C, H, W); fault what does not fit it.

    Args:
        n: The layer.
        image: The image's shape.
        because: The fields that made it so.
    """
    channels, height, width = image
    means = len(n.message.transform_param.mean_value)
    if means not in (0, 1, channels):
        path = f"transform_param.mean_value[{means - 1}]"
        text = f"{means} mean values for {channels} channels; give one, or one per channel"
        n.fault(path, text, because=because)
    rows, columns = crop_of(n)
    if rows > height or columns > width:
        path = f"transform_param.{'crop_size' if n.message.transform_param.crop_size else 'crop_h'}"
        text = f"a crop of {rows} x {columns} from images of {height} x {width}"
        n.fault(path, text, because=(*_CROP, *because))
    check_colours(n, channels, because)
    return channels, rows or height, columns or width
