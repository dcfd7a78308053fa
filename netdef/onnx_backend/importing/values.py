"""What is known of a value: its numbers, its sizes."""

from typing import Any

import numpy as np
import onnx_ir as ir


def known_value(name: str, array: Any) -> ir.Value:
    """Return a value that is an array, of no node."""
    tensor = ir.tensor(np.asarray(array), name=name)
    kind, shape = ir.TensorType(tensor.dtype), ir.Shape(np.shape(array))
    return ir.Value(name=name, shape=shape, type=kind, const_value=tensor)


def constant(value: ir.Value | None) -> Any:
    """Return a value as an array if it is known, else None."""
    if value is None or value.const_value is None:
        return None
    return value.const_value.numpy()


def shape_of(value: ir.Value | None) -> tuple[int, ...] | None:
    """Return a value's sizes where all of them are known."""
    if value is None or value.shape is None:
        return None
    sizes = tuple(size for size in value.shape if isinstance(size, int))
    return sizes if len(sizes) == len(value.shape) else None
