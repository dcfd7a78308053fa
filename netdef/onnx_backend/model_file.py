"""An ONNX file, and beside it a file of weights where one file could not hold them."""

import hashlib
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import onnx_ir as ir
from onnx import ModelProto, TensorProto, numpy_helper

from netdef.source import replacing

_MOST_BYTES = 2**31 - 2**22
"""What one file may hold: protobuf's limit, with room for the graph."""

_SMALL = 1024
"""Bytes up to which a constant stays in the graph, where conversions look at it."""

_ALIGNMENT = 4096
"""Where a weight begins in the file of weights, so that it can be mapped into memory."""


def detach_weights(model: ir.Model) -> dict[str, Any]:
    """Take the large constants of float32 out of a model; they become inputs of their names.

    What works on the graph then need not carry them along, and knows no limit of size.

    Returns:
        The constants by name.
    """
    graph, weights = model.graph, dict[str, Any]()
    for name, value in list(graph.initializers.items()):
        tensor = value.const_value
        if tensor is None or tensor.dtype != ir.DataType.FLOAT or tensor.nbytes <= _SMALL:
            continue
        weights[name] = tensor.numpy()
        del graph.initializers[name]
        value.const_value = None
        graph.inputs.append(value)
    return weights


@contextmanager
def written(
    proto: ModelProto,
    weights: Mapping[str, Any],
    order: Sequence[str],
    path: str | os.PathLike[str],
) -> Generator[str]:
    """Write a model to a temporary file that becomes `path` when the block ends well.

    More than a file can hold goes into `PATH.data`, which is there before the model is, and whose
    SHA-256 the model's metadata has under `sha256:NAME`.

    Args:
        proto: The model, whose inputs of the weights' names are taken away.
        weights: The weights by name.
        order: The names of all constants, in the order of the file.
        path: The file.

    Yields:
        The path of the temporary file.

    Raises:
        NetdefError: A file cannot be written (rule `cannot-write`).
    """
    kept = [value for value in proto.graph.input if value.name not in weights]
    del proto.graph.input[:]
    proto.graph.input.extend(kept)
    size = proto.ByteSize() + sum(array.nbytes for array in weights.values())
    if size <= _MOST_BYTES:
        _set_constants(proto, order, [_inline(name, array) for name, array in weights.items()])
        with replacing(path) as temporary:
            Path(temporary).write_bytes(proto.SerializeToString())
            yield temporary
        return
    path = os.path.realpath(path)
    name = f"{os.path.basename(path)}.data"
    with replacing(path) as temporary, replacing(f"{path}.data") as beside:
        places, digest = _write_weights(weights, beside)
        _set_constants(proto, order, [_outside(*each, weights) for each in places])
        onnx.helper.set_model_props(proto, {**_metadata(proto), f"sha256:{name}": digest})
        _refer(proto, os.path.basename(beside))
        Path(temporary).write_bytes(proto.SerializeToString())
        yield temporary
        _refer(proto, name)
        Path(temporary).write_bytes(proto.SerializeToString())


def _metadata(proto: ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in proto.metadata_props}


def _set_constants(proto: ModelProto, order: Sequence[str], tensors: list[TensorProto]) -> None:
    """Add constants; all that have a place in `order` come in it, others after them."""
    ranks = {name: rank for rank, name in enumerate(order)}
    everything = [*proto.graph.initializer, *tensors]
    everything.sort(key=lambda tensor: ranks.get(tensor.name, len(ranks)))
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(everything)


def _inline(name: str, array: Any) -> TensorProto:
    return numpy_helper.from_array(array, name)


def _outside(name: str, offset: int, weights: Mapping[str, Any]) -> TensorProto:
    array = weights[name]
    tensor = TensorProto(
        name=name,
        dims=array.shape,
        data_type=onnx.helper.np_dtype_to_tensor_dtype(array.dtype),
        data_location=TensorProto.EXTERNAL,
    )
    for key, value in (("location", ""), ("offset", offset), ("length", array.nbytes)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def _refer(proto: ModelProto, name: str) -> None:
    for tensor in proto.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor.external_data[0].value = name


def _write_weights(weights: Mapping[str, Any], path: str) -> tuple[list[tuple[str, int]], str]:
    """Write weights; return where each begins, and the SHA-256 of the file."""
    places: list[tuple[str, int]] = []
    digest, position = hashlib.sha256(), 0
    with open(path, "wb") as file:
        for name, array in weights.items():
            gap = bytes(-position % _ALIGNMENT)
            values = memoryview(array.astype(array.dtype.newbyteorder("<"), order="C", copy=False))
            for part in (gap, values.cast("B")):
                file.write(part)
                digest.update(part)
            places.append((name, position + len(gap)))
            position += len(gap) + array.nbytes
    return places, digest.hexdigest()
