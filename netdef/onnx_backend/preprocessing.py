"""What is done to images before the net, as the first nodes of an ONNX file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from netdef.ir import Blob, Layer, Net, Shape, show_shape
from netdef.onnx_backend.graph import GraphBuilder, Value
from netdef.source import NetdefError, error
from netdef.source.locate import locate
from netdef.weights.binaryproto import read_mean

_IMAGE_AXES, _COLORS = 4, 3
_FLOAT = 1
"""TensorProto.FLOAT."""
_UINT8_END = 256


@dataclass(frozen=True)
class Preprocessing:
    """Images to what the net sees: (pixel - mean) * scale, channels in the order of the net.

    Attributes:
        mean: float32, in the net's order of channels (BGR in Caffe's nets): one value per channel
            (C, 1, 1), one for all (1, 1, 1), or an image (C, H, W) of at least the input's size,
            of which the centre counts. None subtracts nothing.
        scale: Factor, after the mean is subtracted.
        rgb: Whether the images come with their channels in the opposite order, RGB for a net that
            reads BGR.
        uint8: Whether they come as bytes, not as float32.
    """

    mean: Any = None
    scale: float = 1.0
    rgb: bool = False
    uint8: bool = False

    @property
    def fixes_size(self) -> bool:
        """Whether the mean is an image, so that the input must be of its size."""
        return self.mean is not None and self.mean.shape[1:] != (1, 1)

    def fitted(self, name: str, shape: Shape) -> "Preprocessing":
        """Return this for an input (N, C, H, W), with a mean image cut to its size.

        Raises:
            NetdefError: Mean or channels do not fit the input (rule `shape-mismatch`).
        """
        channels, *plane = shape[1:]
        if self.rgb and channels != _COLORS:
            text = f"RGB images have 3 channels, but the input `{name}` has {channels}"
            raise NetdefError(error("shape-mismatch", text))
        if self.mean is None:
            return self
        if not self.fixes_size:
            if len(self.mean) not in (1, channels):
                text = f"{len(self.mean)} mean values for the {channels} channels of `{name}`"
                note = "give one, or one per channel"
                raise NetdefError(error("shape-mismatch", text, note=note))
            return self
        spare = [have - want for have, want in zip(self.mean.shape[1:], plane, strict=True)]
        if len(self.mean) != channels or min(spare) < 0:
            text = f"the mean image is {show_shape(self.mean.shape)}"
            text += f", but the input `{name}` is {show_shape(shape)}"
            raise NetdefError(error("shape-mismatch", text))
        (top, left), (rows, columns) = (s // 2 for s in spare), plane
        return replace(self, mean=self.mean[:, top : top + rows, left : left + columns])

    def nodes(self, g: GraphBuilder, images: Value) -> Value:
        """Add the nodes that make the net's input of `images`."""
        x = g.op("Cast", images, to=_FLOAT) if self.uint8 else images
        if self.rgb:
            x = g.op("Gather", x, g.constant([2, 1, 0]), axis=1)
        if self.mean is not None:
            x = g.op("Sub", x, g.constant(self.mean))
        return x if self.scale == 1 else g.op("Mul", x, g.constant(float(self.scale)))

    def apply(self, images: Any) -> Any:
        """Return what the net sees of images (N, C, H, W), computed apart from any graph."""
        x = images.astype(np.float32)
        x = x[:, ::-1] if self.rgb else x
        x = x if self.mean is None else x - self.mean
        return np.ascontiguousarray(x * np.float32(self.scale))

    def draw(self, shape: Shape, seed: int) -> Any:
        """Return random images."""
        pixels = np.random.default_rng(seed).integers(0, _UINT8_END, shape)
        return pixels.astype(np.uint8 if self.uint8 else np.float32)

    def metadata(self) -> dict[str, str]:
        """Return what a reader of the file should know of it."""
        said = {"scale": f"{self.scale:g}", "channels": "reversed" if self.rgb else "as trained"}
        if self.fixes_size:
            said["mean"] = f"an image of {show_shape(self.mean.shape)}"
        elif self.mean is not None:
            said["mean"] = json.dumps([float(value) for value in self.mean.ravel()])
        return said


def preprocessing_of(net: Net, with_mean: bool = True) -> Preprocessing | None:
    """Return what the first data layer of a net does to its images; None if it says nothing.

    Args:
        net: The net.
        with_mean: Whether its mean is asked for.

    Raises:
        NetdefError: Its mean image is missing or damaged.
    """
    layer = next((layer for layer in net.layers if _transforms(layer)), None)
    if layer is None:
        return None
    param = layer.message.transform_param
    return Preprocessing(_mean(net, param) if with_mean else None, float(param.scale))


def expected_metadata(net: Net) -> dict[str, str]:
    """Return what a reader should know of the images when a file takes what the net takes.

    That is what the net's data layer says, as far as its mean can be read.
    """
    try:
        found = preprocessing_of(net)
    except NetdefError:
        found = None
    return {} if found is None else {"preprocessing": "expected", **found.metadata()}


def image_input(inputs: Sequence[Blob]) -> Blob:
    """Return the one input that images are given to.

    Raises:
        NetdefError: No input has the axes (N, C, H, W), or several have (rule `no-image-input`).
    """
    images = [blob for blob in inputs if len(blob.shape or ()) == _IMAGE_AXES]
    if len(images) == 1:
        return images[0]
    which = ", ".join(f"`{blob.name}` {show_shape(blob.shape)}" for blob in inputs)
    text = "several inputs could be the images" if images else "no input holds images (N, C, H, W)"
    note = f"inputs of the net: {which}; leave the preprocessing out"
    raise NetdefError(error("no-image-input", text, note=note))


def preprocessed(feed: Mapping[str, Any], name: str, by: Preprocessing) -> dict[str, Any]:
    """Return the net's inputs for a feed whose input `name` holds images."""
    return {**feed, name: by.apply(feed[name])}


def _transforms(layer: Layer) -> bool:
    return layer.source and layer.message.HasField("transform_param")


def _mean(net: Net, param: Any) -> Any:
    if param.mean_value:
        return np.array(param.mean_value, np.float32)[:, None, None]
    if not param.HasField("mean_file"):
        return None
    path = locate(param.mean_file, net.file.path if net.file else None)
    if path is None:
        text = f"the mean image {param.mean_file} is not there"
        note = "give another with --mean, or the mean per channel: --mean 104,117,123"
        raise NetdefError(error("missing-file", text, note=note))
    return read_mean(path)
