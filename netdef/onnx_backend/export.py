"""A net as an ONNX file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from netdef.ir import Param
from netdef.onnx_backend.batch import Dims, batch_of
from netdef.onnx_backend.build import build_model
from netdef.onnx_backend.graph import OPSET
from netdef.onnx_backend.opset import check_opset, lifted
from netdef.onnx_backend.part import Part
from netdef.onnx_backend.verify import (
    Comparison,
    Program,
    check_file,
    compare,
    random_feed,
    require_equal,
)
from netdef.source import Diagnostic, NetdefError, error, replacing, warning

_MOST_BYTES = 2**31 - 2**22
"""What a file may hold: protobuf's limit, with room for the graph."""

_NOT_COMPARED = warning(
    "not-compared", "the net draws random numbers, so only shapes were compared with onnxruntime"
)


class Source(Program, Protocol):
    """A program that also tells its parameters."""

    def tensor_of(self, param: Param) -> Any:
        """Return the values of a parameter as a tensor."""
        ...


@dataclass(frozen=True)
class Export:
    """A file that was written.

    Attributes:
        path: Where it is.
        opset: The version of ONNX's operators that it uses.
        inputs: Sizes of the inputs by name: numbers, or `N` where any size will do.
        outputs: Sizes of the outputs by name; None where nothing can be said.
        comparison: How it compares with netdef's own numbers.
        warnings: What was left out or could not be done.
    """

    path: Path
    opset: int
    inputs: Mapping[str, Dims]
    outputs: Mapping[str, Dims]
    comparison: Comparison
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def largest_difference(self) -> float:
        """The largest absolute difference between the file's outputs and netdef's."""
        return self.comparison.largest


def export(
    part: Part,
    program: Source,
    path: str | os.PathLike[str],
    opset: int | None = None,
    dynamic_batch: bool = True,
    version: str = "",
) -> Export:
    """Write a net as an ONNX file, once it is checked and has given the program's numbers.

    `netdef.export_onnx` is the way to call it.

    Args:
        part: What to export, from `inference_part`.
        program: `part.net`, compiled for the CPU in full precision.
        path: The file; it appears whole or not at all.
        opset: The version of ONNX's operators, 17 if None.
        dynamic_batch: Whether axis 0 of the inputs is left open.
        version: The version of netdef, to be noted in the file.

    Raises:
        NetdefError: The opset is out of range, layers cannot be expressed, the file would be too
            large, invalid or wrong, or it cannot be written.
    """
    opset = OPSET if opset is None else opset
    check_opset(opset)
    _check_size(part)
    batch = batch_of(part, dynamic_batch)
    built = build_model(part, batch.dims, lambda p: _array(program.tensor_of(p)), version)
    model = lifted(built.model, opset)
    feeds = [random_feed(part.net, shapes, seed) for seed, shapes in enumerate(batch.trials)]
    with replacing(path) as temporary:
        Path(temporary).write_bytes(model.SerializeToString())
        check_file(temporary)
        comparison = compare(temporary, program, feeds, built.inputs, built.outputs, built.draws)
        require_equal(comparison)
    return Export(
        path=Path(path),
        opset=opset,
        inputs={built.inputs[blob.name]: batch.dims[blob] for blob in part.inputs},
        outputs={built.outputs[blob.name]: batch.dims[blob] for blob in part.outputs},
        comparison=comparison,
        warnings=(*part.warnings, *batch.warnings, *([_NOT_COMPARED] if built.draws else [])),
    )


def _check_size(part: Part) -> None:
    needed = 4 * sum(p.count for p in {p.root for ps in part.net.params.values() for p in ps})
    if needed > _MOST_BYTES:
        gib = 2**30
        text = f"the parameters take {needed / gib:.1f} GiB; an ONNX file holds less than 2 GiB"
        raise NetdefError(error("too-large", text))


def _array(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy()
