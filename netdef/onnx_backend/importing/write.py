"""Writing an imported net, once it has given the ONNX file's numbers."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netdef.ir import Net
from netdef.onnx_backend.importing.importer import Converted, Input
from netdef.onnx_backend.verify import EXACT, HALF, Comparison, Model, Program, compare
from netdef.source import NetdefError, error, replacing
from netdef.weights import write_weights

SUFFIXES = {"caffemodel": ".caffemodel", "safetensors": ".safetensors", "h5": ".caffemodel.h5"}
"""Suffixes of weight files by the name of their format."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import wrote.

    Attributes:
        net: The prototxt.
        weights: The weight file; None for a net without parameters.
        inputs: The shapes of the inputs, by blob name.
        outputs: The shapes of the outputs, by blob name.
        layers: How many layers the net has.
        comparison: How far its outputs are from onnxruntime's.
    """

    net: Path
    weights: Path | None
    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...] | None]
    layers: int
    comparison: Comparison

    @property
    def largest_difference(self) -> float:
        """The largest absolute difference between netdef's outputs and onnxruntime's."""
        return self.comparison.largest


def write(
    converted: Converted,
    path: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    weights_format: str,
    load: Callable[[str], Net],
    compiled: Callable[[Net, str | None], Program],
) -> Imported:
    """Write the net and its weights into a folder, both or neither.

    Args:
        converted: From `convert`.
        path: The ONNX file, which names them and gives the numbers.
        directory: The folder; it is made where it is missing.
        weights_format: "caffemodel", "safetensors" or "h5".
        load: Loads the net in a text.
        compiled: Makes a net a program on the CPU, with the weights in a file.

    Raises:
        NetdefError: The outputs differ from onnxruntime's (rule `onnx-mismatch`), onnxruntime
            cannot run the file, or a file cannot be written.
    """
    stem = Path(directory) / Path(path).stem
    net_path = stem.with_name(f"{stem.name}.prototxt")
    weights_path = stem.with_name(f"{stem.name}{SUFFIXES[weights_format]}")
    net = load(converted.text)
    _make_folder(directory)
    with replacing(net_path) as text_file:
        Path(text_file).write_text(converted.text, encoding="utf-8")
        if not converted.arrays:
            comparison = _compared(converted, path, compiled(net, None))
        else:
            with replacing(weights_path) as weights_file:
                write_weights(weights_file, converted.arrays, net)
                comparison = _compared(converted, path, compiled(net, weights_file))
    return Imported(
        net=net_path,
        weights=weights_path if converted.arrays else None,
        inputs={n: given.shape for n, given in converted.inputs.items() if n in net.blobs},
        outputs={name: net.blobs[name].shape for name in converted.outputs},
        layers=len(net.layers),
        comparison=comparison,
    )


def _compared(converted: Converted, path: str | os.PathLike[str], program: Program) -> Comparison:
    names = {blob: given.name for blob, given in converted.inputs.items()}
    tolerance = HALF if converted.half else EXACT
    model = Model(path, names, converted.outputs, tolerance=tolerance)
    comparison = compare(model, program, [_feed(converted.inputs)])
    faults = [
        error(
            "onnx-mismatch",
            f"output `{blob}` of the imported net differs from onnxruntime's by "
            f"{difference.largest:.3g} (largest value {difference.scale:.3g})",
            note="so nothing was written; the layers for one of the nodes must be wrong",
        )
        for blob, difference in comparison.outputs.items()
        if not difference.fits
    ]
    if faults:
        raise NetdefError(faults)
    return comparison


def _feed(inputs: Mapping[str, Input]) -> dict[str, Any]:
    """Return random inputs: of a normal distribution, or whole numbers that point into tables."""
    generator = np.random.default_rng(0)
    feed: dict[str, Any] = {}
    for blob, given in inputs.items():
        if given.below is None:
            values = generator.standard_normal(given.shape)
        else:
            values = generator.integers(0, given.below, given.shape)
        feed[blob] = np.asarray(values, given.type)
    return feed


def _make_folder(directory: str | os.PathLike[str]) -> None:
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as fault:
        reason = fault.strerror or str(fault)
        text = f"cannot make the folder {os.fspath(directory)}: {reason}"
        raise NetdefError(error("cannot-write", text)) from fault
