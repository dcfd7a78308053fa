"""An ONNX file in memory, with inputs of fixed sizes and operators of a recent version."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from onnx import version_converter

from netdef.ir import Shape
from netdef.source import Diagnostic, NetdefError, error

OPSET = 17
"""Files of older operators are lifted to this one, so that only one form of each is to be known."""

_BATCH_SYMBOLS = frozenset(("n", "b", "batch", "batch_size", "batchsize", "bs"))


def read_model(path: str | os.PathLike[str], beside: bool = True) -> onnx.ModelProto:
    """Read an ONNX file, with the tensors that lie beside it.

    Args:
        path: The file.
        beside: Whether tensors that lie in files beside it are read, too.

    Raises:
        NetdefError: It is missing or cannot be read (rule `missing-file`), or is no ONNX model
            (`bad-onnx-file`).
    """
    try:
        data = Path(path).read_bytes()
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise NetdefError(error("missing-file", f"cannot read {path}: {reason}")) from None
    try:
        model = onnx.load_model_from_string(data)
        if beside:
            onnx.load_external_data_for_model(model, os.path.dirname(os.path.abspath(path)))
    except Exception as fault:  # protobuf's decoders and onnx share no class of exceptions
        raise _bad(path, str(fault).strip().split("\n")[0]) from fault
    if not model.graph.node and not model.graph.output:
        raise _bad(path, "it holds no graph")
    return model


def fix_shapes(model: onnx.ModelProto, batch: int, shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """Write fixed sizes into the inputs of a model and return them by name.

    Args:
        model: The model; inputs that are weights are passed over.
        batch: What stands for an open first size, and for its symbol elsewhere.
        shapes: Whole shapes by name, in place of the file's.

    Raises:
        NetdefError: Another size is open (rule `unknown-shape`), `shapes` names no input
            (`unknown-blob`), or an input is no tensor (`not-in-caffe`); all of them are listed.
    """
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in stored]
    symbols = _batch_symbols(inputs)
    found: dict[str, Shape] = {}
    faults: list[Diagnostic] = []
    for name in shapes.keys() - {value.name for value in inputs}:
        known = ", ".join(value.name for value in inputs)
        text = f"the ONNX file has no input `{name}`"
        faults.append(error("unknown-blob", text, note=f"its inputs: {known}"))
    for value in inputs:
        if not value.type.HasField("tensor_type"):
            faults.append(error("not-in-caffe", f"the input `{value.name}` is no tensor"))
            continue
        shape = shapes.get(value.name) or _fixed(value, batch, symbols)
        if None in shape:
            given = ",".join("?" if size is None else str(size) for size in shape) or "N,C,H,W"
            text = f"the size of the input `{value.name}` is open in the ONNX file"
            note = f"give it with --shape {value.name}={given}, with a number for every ?"
            faults.append(error("unknown-shape", text, note=note))
            continue
        found[value.name] = tuple(size or 0 for size in shape)
        _write(value, found[value.name])
    if faults:
        raise NetdefError(faults)
    _forget_inferred(model)
    return found


def lift(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with operators of at least `OPSET`.

    Raises:
        NetdefError: onnx's converter cannot lift it (rule `bad-onnx-file`).
    """
    version = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if version >= OPSET:
        return model
    try:
        return version_converter.convert_version(model, OPSET)
    except Exception as fault:  # C++ faults, each of its own class
        reason = str(fault).strip().split("\n")[0]
        text = f"the ONNX file's operators are of version {version}, and onnx cannot convert them"
        raise NetdefError(error("bad-onnx-file", f"{text}: {reason}")) from fault


def _batch_symbols(inputs: list[Any]) -> set[str]:
    first = [v.type.tensor_type.shape.dim[0] for v in inputs if v.type.tensor_type.shape.dim]
    return {dim.dim_param for dim in first if dim.dim_param}


def _fixed(value: Any, batch: int, symbols: set[str]) -> tuple[int | None, ...]:
    if not value.type.tensor_type.HasField("shape"):
        return (None,)
    shape: list[int | None] = []
    for index, dim in enumerate(value.type.tensor_type.shape.dim):
        name = dim.dim_param
        if dim.HasField("dim_value") and dim.dim_value > 0:
            shape.append(dim.dim_value)
        elif index == 0 or name in symbols or name.lower() in _BATCH_SYMBOLS:
            shape.append(batch)
        else:
            shape.append(None)
    return tuple(shape)


def _write(value: Any, shape: Shape) -> None:
    dims = value.type.tensor_type.shape
    dims.Clear()
    for size in shape:
        dims.dim.add(dim_value=size)


def _forget_inferred(model: onnx.ModelProto) -> None:
    """Drop the sizes that were noted for open inputs."""
    del model.graph.value_info[:]
    for value in model.graph.output:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")


def _bad(path: str | os.PathLike[str], reason: str) -> NetdefError:
    return NetdefError(error("bad-onnx-file", f"{os.fspath(path)} is no ONNX model: {reason}"))
