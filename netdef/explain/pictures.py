"""Pictures of explanations: maps over images, boxes, images that were made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netdef.explain.reach import Box
from netdef.source import replacing

_SIZE = 3.6
"""Edge of a panel, inches."""
_DOTS = 120
_METADATA = {"Software": None}
_BOX = "#e6194b"


def write_map(path: Path, image: np.ndarray, values: np.ndarray, title: str, legend: str) -> None:
    """Write an image beside the same with a map over it, and the map's scale.

    Args:
        path: A PNG, written whole or not at all.
        image: (H, W) or (H, W, 3) of uint8, red first.
        values: (h, w); stretched over the image. Values of both signs are shown in two colours.
        title: What stands above.
        legend: What the values are.
    """
    figure, (left, right) = _figure(image, 2)
    left.imshow(image, cmap="gray", vmin=0, vmax=255)
    left.set_title("image")
    right.imshow(_gray(image), cmap="gray", vmin=0, vmax=255)
    most = float(np.abs(values).max()) or 1.0
    signed = float(values.min()) < 0
    # `extent` stretches a coarser map over the image's pixels, bilinear as the paper of Grad-CAM.
    extent = (-0.5, image.shape[1] - 0.5, image.shape[0] - 0.5, -0.5)
    shown = right.imshow(
        values,
        cmap="coolwarm" if signed else "inferno",
        vmin=-most if signed else 0,
        vmax=most,
        alpha=0.65,
        extent=extent,
        interpolation="nearest" if values.shape == image.shape[:2] else "bilinear",
    )
    right.set_title(title)
    figure.colorbar(shown, ax=right, fraction=0.046, label=legend)
    _save(figure, path)


def write_box(path: Path, image: np.ndarray, box: Box | None, title: str) -> None:
    """Write an image with the box that a unit sees; no box where it sees nothing."""
    from matplotlib.patches import Rectangle

    figure, (axes,) = _figure(image, 1)
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)
    if box is not None:
        (top, bottom), (left, right) = box
        corner = left - 0.5, top - 0.5
        size = right - left + 1, bottom - top + 1
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=_BOX, linewidth=2))
    axes.set_title(title)
    _save(figure, path)


def write_images(
    path: Path, images: Sequence[tuple[str, np.ndarray]], losses: Sequence[float]
) -> None:
    """Write images side by side, each with its title, and how the objective fell."""
    figure, panels = _figure(images[0][1], len(images) + 1)
    for axes, (title, image) in zip(panels, images, strict=False):
        axes.imshow(image, cmap="gray", vmin=0, vmax=255)
        axes.set_title(title)
    last = panels[-1]
    last.set_axis_on()
    last.plot(losses)
    last.set_yscale("log")
    last.set_box_aspect(1)
    last.set_title("objective")
    last.set_xlabel("step")
    _save(figure, path)


def as_picture(values: np.ndarray, mean: np.ndarray | None, scale: float, rgb: bool) -> np.ndarray:
    """Return what a net sees (C, H, W) as an image again: (H, W) or (H, W, 3) of uint8, red first.

    Args:
        values: What the net sees: (pixel - mean) * scale.
        mean: (C, H, W), of the same part of the image, or (C, 1, 1), or None.
        scale: The factor.
        rgb: Whether red is first in `values`, too.
    """
    pixels = values / (scale or 1) + (0 if mean is None else mean)
    image = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    if len(image) == 1:
        return image[0]
    return np.ascontiguousarray((image if rgb else image[::-1]).transpose(1, 2, 0))


def _figure(image: np.ndarray, panels: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    ratio = min(2.0, max(0.5, image.shape[0] / image.shape[1]))
    size = (_SIZE * panels + 0.8, _SIZE * ratio + 1.0)
    figure = Figure(figsize=size, dpi=_DOTS, layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for one in axes:
        one.set_axis_off()
    return figure, axes


def _gray(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 2 else image.mean(axis=2)


def _save(figure: Any, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", metadata=_METADATA)
