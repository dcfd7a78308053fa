"""A net as an ONNX file."""

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import onnx

from netdef.ir import Layer, Param, Shape
from netdef.onnx_backend.batch import Batch, Dims, batch_of
from netdef.onnx_backend.build import Built, build_model
from netdef.onnx_backend.feeds import random_feed
from netdef.onnx_backend.graph import OPSET
from netdef.onnx_backend.half import LARGEST, to_half
from netdef.onnx_backend.image_size import open_size
from netdef.onnx_backend.model_file import detach_weights, written
from netdef.onnx_backend.opset import check_opset, lifted
from netdef.onnx_backend.part import Part
from netdef.onnx_backend.preprocessing import Preprocessing, image_input, preprocessed
from netdef.onnx_backend.stages import Choices
from netdef.onnx_backend.verify import (
    EXACT,
    HALF,
    Comparison,
    Model,
    Program,
    check_file,
    compare,
    require_equal,
)
from netdef.source import Diagnostic, NetdefError, error, warning

_NOT_COMPARED = warning(
    "not-compared", "the net draws random numbers, so only shapes were compared with onnxruntime"
)
_NOT_VERIFIED = warning(
    "not-compared", "the ONNX file was checked, but not compared with onnxruntime, as asked for"
)


class Source(Program, Protocol):
    """A program that also tells its parameters."""

    def tensor_of(self, param: Param) -> Any:
        """Return the values of a parameter as a tensor."""
        ...


@dataclass(frozen=True)
class Options:
    """How a net is to be written.

    Attributes:
        opset: The version of ONNX's operators, 17 if None.
        dynamic_batch: Whether axis 0 of the inputs is left open.
        dynamic_size: Whether height and width of the inputs are, where the net allows.
        half: Whether weights and arithmetic are in half precision.
        verify: Whether the file is compared with onnxruntime.
        preprocessing: What is done to the images that the file takes; None takes what the net
            takes.
        labels: The names of the classes, to be noted in the file.
        metadata: What else is to be noted.
    """

    opset: int | None = None
    dynamic_batch: bool = True
    dynamic_size: bool = False
    half: bool = False
    verify: bool = True
    preprocessing: Preprocessing | None = None
    labels: Sequence[str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Export:
    """A file that was written.

    Attributes:
        path: Where it is.
        opset: The version of ONNX's operators that it uses.
        inputs: Sizes of the inputs by name: numbers, or `N`, `H`, `W` where any size will do.
        outputs: Sizes of the outputs by name; None where nothing can be said.
        comparison: How it compares with netdef's own numbers; None if that was left out.
        warnings: What was left out or could not be done.
        half: Whether it is in half precision.
    """

    path: Path
    opset: int
    inputs: Mapping[str, Dims]
    outputs: Mapping[str, Dims]
    comparison: Comparison | None
    warnings: tuple[Diagnostic, ...] = ()
    half: bool = False

    @property
    def largest_difference(self) -> float | None:
        """The largest absolute difference to netdef's numbers; None if nothing was compared."""
        return None if self.comparison is None else self.comparison.largest


def export(
    part: Part,
    program: Source,
    path: str | os.PathLike[str],
    options: Options = Options(),
    version: str = "",
) -> Export:
    """Write a net as an ONNX file, once it is checked and has given the program's numbers.

    `netdef.export_onnx` is the way to call it.

    Args:
        part: What to export, from `inference_part`.
        program: `part.net`, compiled for the CPU in full precision.
        path: The file; it appears whole or not at all.
        options: How it is written.
        version: The version of netdef, to be noted in the file.

    Raises:
        NetdefError: The opset is out of range, layers cannot be expressed, the preprocessing does
            not fit, the file would be invalid or wrong, or it cannot be written.
    """
    opset = OPSET if options.opset is None else options.opset
    check_opset(opset)
    values = partial(_values, program)
    batch, is_open = _sizes(part, options, values)
    built = build_model(part, batch.dims, values, version, options.preprocessing, is_open)
    order = list(built.model.graph.initializers)
    choices = Choices(part, built)
    weights = detach_weights(built.model)
    proto = lifted(built.model, opset)
    if options.half:
        weights = to_half(proto, weights, _exact_nodes(built, choices.exact_layers()))
    onnx.helper.set_model_props(proto, _metadata(options, version))
    warnings = [*part.warnings, *batch.warnings, *_label_warnings(batch, part, options.labels)]
    comparison = None
    with written(proto, weights, order, path) as temporary:
        check_file(temporary)
        if options.verify:
            names = {name for node in proto.graph.node for name in node.output}
            stages = choices.stages(names if options.half else ())
            tolerance = HALF if options.half else EXACT
            model = Model(temporary, built.inputs, built.outputs, stages, built.draws, tolerance)
            exact = choices.exact_layers() if options.half else None
            comparison = _compared(part, program, model, batch.trials, options, exact)
    if built.draws or not options.verify:
        warnings.append(_NOT_COMPARED if options.verify else _NOT_VERIFIED)
    return Export(
        path=Path(path),
        opset=opset,
        inputs={built.inputs[blob.name]: batch.dims[blob] for blob in part.inputs},
        outputs={built.outputs[blob.name]: batch.dims[blob] for blob in part.outputs},
        comparison=comparison,
        warnings=tuple(warnings),
        half=options.half,
    )


def _sizes(part: Part, options: Options, values: Any) -> tuple[Batch, bool]:
    batch = batch_of(part, options.dynamic_batch)
    if not options.dynamic_size:
        return batch, False
    by_mean = options.preprocessing is not None and options.preprocessing.fixes_size
    return open_size(part, batch, values, "the mean is an image of that size" if by_mean else "")


def _exact_nodes(built: Built, exact: Collection[Layer]) -> set[str]:
    """Return the names of the nodes that go on computing in single precision."""
    return {str(node.name) for layer, nodes in built.nodes_of if layer in exact for node in nodes}


def _compared(
    part: Part,
    program: Source,
    model: Model,
    trials: Sequence[Mapping[str, Shape]],
    options: Options,
    exact: Collection[Layer] | None,
) -> Comparison:
    """Compare the file with the program.

    Args:
        part: What was exported.
        program: The part's net.
        model: The file.
        trials: Shapes of the inputs, for each run.
        options: How the file was written.
        exact: In half precision, the layers that are computed in single precision nevertheless.

    Raises:
        NetdefError: They differ.
    """
    feeds = [random_feed(part.net, shapes, seed) for seed, shapes in enumerate(trials)]
    if options.preprocessing is not None:
        images = image_input(part.inputs)
        by = options.preprocessing.fitted(images.name, images.shape or ())
        model = replace(model, prepare=lambda feed: preprocessed(feed, images.name, by))
        for seed, feed in enumerate(feeds):
            feed[images.name] = by.draw(feed[images.name].shape, seed)
    comparison = compare(model, program, feeds)
    require_equal(comparison)
    if exact is not None:
        feed = min(feeds, key=lambda feed: sum(values.size for values in feed.values()))
        given = feed if model.prepare is None else model.prepare(feed)
        _check_range(program, given, {top.name for layer in exact for top in layer.tops})
    return comparison


def _check_range(program: Source, feed: Mapping[str, Any], exact: Collection[str]) -> None:
    """See that half precision can hold every blob.

    The comparison does not tell: on a CPU onnxruntime computes most of such a file in float32.

    Raises:
        NetdefError: It cannot (rule `onnx-mismatch`).
    """
    for blob, values in program.run(feed).items():
        largest = float(values.detach().abs().max()) if values.numel() else 0.0
        if largest > LARGEST and blob not in exact:
            text = f"half precision does not suit this net: blob `{blob}` reaches {largest:.3g}, "
            text += f"and it holds no number above {LARGEST:g}"
            raise NetdefError(error("onnx-mismatch", text, note="so the file was not written"))


def _metadata(options: Options, version: str) -> dict[str, str]:
    said = {"netdef_version": version, **options.metadata}
    if options.preprocessing is not None:
        said |= {"preprocessing": "included", **options.preprocessing.metadata()}
    if options.half:
        said["precision"] = "float16"
    if options.labels:
        said["labels"] = json.dumps(list(options.labels), ensure_ascii=False)
    return said


def _label_warnings(batch: Batch, part: Part, labels: Sequence[str]) -> list[Diagnostic]:
    """Say so when no output has as many channels as there are labels."""
    sizes = [batch.dims[blob] for blob in part.outputs]
    if not labels or any(len(s) > 1 and s[1] in (len(labels), None) for s in sizes):
        return []
    text = f"there are {len(labels)} labels, but no output has so many channels"
    return [warning("label-count", text)]


def _values(program: Source, param: Param) -> Any:
    return program.tensor_of(param).detach().cpu().numpy()
