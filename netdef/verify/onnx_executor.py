"""An ONNX file as onnxruntime computes it."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from netdef.engines.onnx_engine import serialized
from netdef.ir import Net, Shape
from netdef.onnx_backend.importing.read import read_model
from netdef.onnx_backend.verify import open_session, run_session
from netdef.source import NetdefError, error
from netdef.verify.executor import Arrays, Maker

_OPEN = 1
"""What an open size is, where nobody says."""


class OnnxExecutor:
    """An ONNX model; see `Executor`.

    Every value of the graph can be asked for by its name; a value that is also an input or a
    constant is none that is computed.
    """

    def __init__(
        self,
        name: str,
        model: onnx.ModelProto,
        folder: Path | None = None,
        net: Net | None = None,
    ) -> None:
        """Run `model`, whose weights may be in files in `folder`; `net` is what it was made from.

        Raises:
            NetdefError: It takes images and prepares them itself (rule `other-inputs`), so that no
                other executor could be given the same.
        """
        self.name = name
        self.net = net
        graph = model.graph
        stored = {tensor.name for tensor in graph.initializer}
        inputs = [value for value in graph.input if value.name not in stored]
        self._types = {v.name: v.type.tensor_type.elem_type for v in inputs}
        self.inputs: Mapping[str, Shape | None] = {value.name: _shape(value) for value in inputs}
        self.outputs: Sequence[str] | None = [value.name for value in graph.output]
        self.blobs: Mapping[str, Maker] = {
            output: Maker(node.name or node.op_type, node.op_type)
            for node in graph.node
            for output in node.output
            if output
        }
        self._model = model
        self._folder = folder
        if any(p.key == "preprocessing" and p.value == "included" for p in model.metadata_props):
            text = f"{name} subtracts the mean and scales itself: its inputs are not the net's"
            note = "verify a file that was exported without --mean, --scale and the like"
            raise NetdefError(error("other-inputs", text, note=note))

    def run(self, feed: Arrays, blobs: Collection[str]) -> dict[str, Any]:
        """Return blobs as arrays; see `Executor.run`."""
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        told = {value.name for value in model.graph.output}
        model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in blobs if n not in told)
        session = open_session(serialized(model), self._folder)
        fed = {name: np.asarray(feed[name], self._type(name)) for name in self.inputs}
        return run_session(session, fed, {name: name for name in blobs})

    def _type(self, name: str) -> Any:
        return onnx.helper.tensor_dtype_to_np_dtype(self._types[name])


def open_onnx(path: str) -> OnnxExecutor:
    """Read an ONNX file.

    Raises:
        NetdefError: It is missing or damaged, or its inputs are not the net's.
    """
    return OnnxExecutor(path, read_model(path, beside=False), Path(os.path.abspath(path)).parent)


def _shape(value: onnx.ValueInfoProto) -> Shape | None:
    if not value.type.tensor_type.HasField("shape"):
        return None
    dims = value.type.tensor_type.shape.dim
    return tuple(d.dim_value if d.HasField("dim_value") else _OPEN for d in dims)
