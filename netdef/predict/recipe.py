"""How the images that a net was trained with were made ready, as its data layer says."""

from dataclasses import dataclass
from typing import Any

from netdef import catalog
from netdef.data.faults import DataFault, diagnostic
from netdef.data.transformer import transformer
from netdef.ir import Layer, Net
from netdef.source import NetdefError
from netdef.source.locate import shown

Size = tuple[int, int]
"""Rows and columns."""

_NOBODY = "as they are; no train net says more"


@dataclass(frozen=True)
class Recipe:
    """How images are made ready: (crop(resized image) - mean) * scale.

    Attributes:
        mean: float32 in the net's order of channels: (C, H, W) of the images before cropping, or
            (C, 1, 1), or (1, 1, 1); None subtracts nothing.
        scale: Factor, after the mean is subtracted.
        crop: Rows and columns of the crop; None where it is not known.
        resize: Rows and columns of the whole image; None where they are not known.
        rgb: Whether the net wants red first.
        oversample: Whether ten crops are taken.
        origin: Who says so, for messages.
    """

    mean: Any = None
    scale: float = 1.0
    crop: Size | None = None
    resize: Size | None = None
    rgb: bool = False
    oversample: bool = False
    origin: str = _NOBODY


def recipe_of(net: Net) -> Recipe | None:
    """Return what the first data layer of a net does to its images; None without such a layer.

    Raises:
        NetdefError: Its mean image is missing or damaged.
    """
    layer = next((layer for layer in net.layers if _reads_images(layer)), None)
    if layer is None:
        return None
    path = net.file.path if net.file else None
    kind = catalog.find(layer.type)
    try:
        done = transformer(layer.message.transform_param, "TEST", path)
    except DataFault as fault:
        own = kind.param if kind is not None and kind.param else ""
        found = diagnostic(layer, own, fault)
        raise NetdefError(found) from None
    origin = f"as {_shown(path)} says" if path else "as the net says"
    return Recipe(done.mean, done.scale, done.crop, _resize(layer.message), origin=origin)


def _shown(path: str) -> str:
    from pathlib import Path

    return shown(Path(path))


def _reads_images(layer: Layer) -> bool:
    return layer.source and layer.message.HasField("transform_param")


def _resize(message: Any) -> Size | None:
    """Return what an ImageData layer, or the data layer of SSD's fork, resizes images to."""
    images, fork = message.image_data_param, message.transform_param.resize_param
    for rows, columns in ((images.new_height, images.new_width), (fork.height, fork.width)):
        if rows and columns:
            return rows, columns
    return None
