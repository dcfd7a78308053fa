"""Versions of ONNX's operators: which can be written, and how to get there."""

from functools import cache

import onnx
import onnx_ir as ir

from netdef.onnx_backend.graph import OPSET
from netdef.onnx_backend.verify import open_session
from netdef.source import NetdefError, error


@cache
def newest_opset() -> int:
    """Return the newest opset that onnx knows and onnxruntime accepts."""
    known = onnx.defs.onnx_opset_version()
    return next((v for v in range(known, OPSET, -1) if _accepted(v)), OPSET)


def check_opset(opset: int) -> None:
    """See that an opset can be written.

    Raises:
        NetdefError: It is older than what layers are written in, or too new (rule `opset-range`).
    """
    newest = newest_opset()
    if not OPSET <= opset <= newest:
        text = f"opset {opset} cannot be written, only {OPSET} to {newest}"
        note = "the newest depends on the versions of onnx and onnxruntime"
        raise NetdefError(error("opset-range", text, note=note if opset > newest else None))


def lifted(model: ir.Model, opset: int) -> onnx.ModelProto:
    """Return a model of opset 17 as protobuf, converted to `opset`.

    Raises:
        NetdefError: An operator cannot be converted (rule `opset-range`).
    """
    proto = ir.to_proto(model)
    if opset == OPSET:
        return proto
    try:
        proto = onnx.version_converter.convert_version(proto, opset)
    except (onnx.version_converter.ConvertError, RuntimeError) as fault:
        text = f"onnx cannot convert this net to opset {opset}: {fault}"
        raise NetdefError(error("opset-range", text)) from fault
    proto.ir_version = onnx.helper.find_min_ir_version_for(proto.opset_import)
    for index, node in enumerate(proto.graph.node):  # those that the converter adds have no name
        node.name = node.name or f"{node.op_type}_{index}"
    return proto


def _accepted(opset: int) -> bool:
    first, last = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "ab"
    )
    node = onnx.helper.make_node("Identity", ["a"], ["b"])
    graph = onnx.helper.make_graph([node], "probe", [first], [last])
    imports = [onnx.helper.make_opsetid("", opset)]
    version = onnx.helper.find_min_ir_version_for(imports)
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=version)
    try:
        open_session(model.SerializeToString())
    except NetdefError:
        return False
    return True
