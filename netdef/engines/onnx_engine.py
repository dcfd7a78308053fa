"""Inference by onnxruntime."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from torch import Tensor

from netdef.onnx_backend.batch import batch_of
from netdef.onnx_backend.build import build_model
from netdef.onnx_backend.part import inference_part
from netdef.onnx_backend.verify import open_session, run_session
from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean
from netdef.torch_backend.executable import Executable


class InMemory(NamedTuple):
    """A net as an ONNX model.

    Attributes:
        model: The model.
        inputs: Names of its inputs by blob name.
        outputs: The blobs that it tells in any case.
        names: Names of its values by blob name; the last version of each.
    """

    model: onnx.ModelProto
    inputs: Mapping[str, str]
    outputs: Sequence[str]
    names: Mapping[str, str]


def as_onnx(exe: Executable) -> InMemory:
    """Return a net as an ONNX model, with a batch of any size where the net allows that.

    Raises:
        NetdefError: A layer cannot be expressed in ONNX.
    """
    import onnx_ir as ir

    part = inference_part(exe.net)
    params = exe.params

    def values(param: Any) -> Any:
        return params[param.layer][param.index].detach().float().cpu().numpy()

    built = build_model(part, batch_of(part, dynamic=True).dims, values)
    last = {blob: name for blob, name in built.names.items() if part.net.blobs[blob.name] is blob}
    return InMemory(
        ir.to_proto(built.model),
        built.inputs,
        list(built.outputs),
        {blob.name: name for blob, name in last.items()} | dict(built.outputs),
    )


class OnnxEngine:
    """Runs a net as an ONNX model, on the CPU, with as many threads as torch has."""

    def __init__(self, exe: Executable, blobs: Sequence[str] | None = None) -> None:
        """Make the model of `exe`, which tells some of its blobs; the outputs if None."""
        made = as_onnx(exe)
        self.blobs = list(made.outputs if blobs is None else blobs)
        self._inputs = made.inputs
        self._names = {blob: self._name(blob, made) for blob in self.blobs}
        graph = made.model.graph
        computed = {name for node in graph.node for name in node.output}
        told = {value.name for value in graph.output}
        # What is fed, or is constant, is no value that onnxruntime computes.
        for blob, name in self._names.items():
            if name not in computed:
                copy = f"{name}/told"
                graph.node.append(onnx.helper.make_node("Identity", [name], [copy]))
                self._names[blob] = name = copy
            if name not in told:
                graph.output.append(onnx.ValueInfoProto(name=name))
                told.add(name)
        self._session = open_session(serialized(made.model), threads=torch.get_num_threads())

    def run(
        self, inputs: Mapping[str, Any], blobs: Iterable[str] | None = None
    ) -> dict[str, Tensor]:
        """Return blobs by name, on the CPU; see `Engine.run`."""
        wanted = {blob: self._known(blob) for blob in (self.blobs if blobs is None else blobs)}
        missing = [blob for blob in self._inputs if blob not in inputs]
        if missing:
            text = f"no value is given for {' and '.join(f'`{blob}`' for blob in missing)}"
            note = f"inputs of the net: {', '.join(self._inputs)}"
            raise NetdefError(error("missing-input", text, note=note))
        feed = {name: _array(inputs[blob]) for blob, name in self._inputs.items()}
        found = run_session(self._session, feed, wanted)
        return {blob: torch.from_numpy(values) for blob, values in found.items()}

    def _known(self, blob: str) -> str:
        if blob not in self._names:
            text = f"the engine was not made to tell blob `{blob}`"
            raise NetdefError(error("unknown-blob", text, note=did_you_mean(blob, self._names)))
        return self._names[blob]

    @staticmethod
    def _name(blob: str, made: InMemory) -> str:
        if blob in made.names:
            return made.names[blob]
        text = f"the net has no blob `{blob}` in ONNX"
        near = did_you_mean(blob, made.names)
        note = near or "losses and what only they read are left out; another engine has them"
        raise NetdefError(error("unknown-blob", text, note=note))


def _array(value: Any) -> np.ndarray:
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    return np.asarray(value, np.float32)


def serialized(model: onnx.ModelProto) -> bytes:
    """Return a model as bytes.

    Raises:
        NetdefError: It is larger than protobuf allows (rule `onnx-invalid`).
    """
    try:
        return model.SerializeToString()
    except ValueError as fault:
        text = "the net is larger than 2 GB, which onnxruntime does not take in memory"
        note = "take another engine, or export the net as a file"
        raise NetdefError(error("onnx-invalid", text, note=note)) from fault
