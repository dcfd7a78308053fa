"""Single operators: what they become, that the numbers agree, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import netdef
from netdef.onnx_backend.importing.importer import convert
from netdef.source import NetdefError

RANDOM = np.random.default_rng(0)


def drawn(*shape: int) -> np.ndarray:
    """Weights."""
    return RANDOM.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    """Sizes, axes, indices."""
    return np.array(values, np.int64)


def model_of(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[Any, ...]],
    constants: dict[str, np.ndarray],
    opset: int = 17,
    outputs: tuple[str, ...] = ("y",),
) -> Path:
    """A file with these nodes; what is not called otherwise goes from x to y."""
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


def one(type: str, shape: tuple[int, ...], *constants: Any, opset: int = 17, **more: Any) -> Any:
    """A case: an operator, the shape of its first input, and constants for the others."""
    return type, shape, constants, opset, more


SAME, LOWER = {"auto_pad": "SAME_UPPER"}, {"auto_pad": "SAME_LOWER"}
W3, W2 = drawn(4, 3, 3, 3), drawn(4, 3, 2, 2)
POOL = {"kernel_shape": [3, 3], "strides": [2, 2]}
CASES = [
    (one("Conv", (2, 3, 7, 6), W3, pads=[1, 0, 2, 1], strides=[2, 1]), "Convolution Slice"),
    (one("Conv", (1, 3, 7, 6), W3, pads=[0, 0, 1, 1], strides=[2, 2]), "Convolution Slice"),
    (one("Conv", (1, 3, 7, 6), W3, drawn(4), strides=[2, 2], **SAME), "Convolution Slice"),
    (one("Conv", (1, 3, 8, 8), W3, strides=[2, 2], **SAME), "Convolution Slice"),
    (one("Conv", (1, 3, 8, 8), W3, strides=[2, 2], **LOWER), "Convolution"),
    (one("Conv", (1, 3, 9), drawn(4, 3, 3), dilations=[2], pads=[2, 2]), "Convolution"),
    (one("Conv", (1, 2, 4, 5, 6), drawn(4, 1, 2, 1, 3), group=2), "Convolution"),
    (one("ConvTranspose", (1, 4, 5, 4), W3, strides=[2, 2], pads=[1, 1, 1, 1]), "Deconvolution"),
    (
        one("ConvTranspose", (1, 4, 5, 4), W3, strides=[2, 2], pads=[1] * 4,
            output_padding=[1, 1]), "Deconvolution Slice",
    ),
    (one("ConvTranspose", (1, 4, 5, 4), W2, drawn(3), strides=[2, 2], **SAME), "Deconvolution"),
    (one("MaxPool", (1, 2, 7, 8), **POOL), "Pooling"),
    (one("MaxPool", (1, 2, 7, 8), ceil_mode=1, **POOL), "Pooling"),
    (one("MaxPool", (1, 2, 8, 8), **POOL, **SAME), "Pooling"),
    (one("MaxPool", (1, 2, 8, 8), **POOL, pads=[1, 1, 1, 1]), "Pooling"),
    (one("MaxPool", (1, 2, 8, 8), kernel_shape=[3, 3], pads=[0, 0, 2, 2]), "Pooling Slice"),
    (one("MaxPool", (1, 2, 9), kernel_shape=[3], strides=[2]), "Pooling"),
    (one("MaxPool", (1, 2, 5, 6, 7), kernel_shape=[2, 3, 2], strides=[1, 2, 2]), "Pooling"),
    (one("AveragePool", (1, 2, 7, 8), **POOL), "Pooling"),
    (one("AveragePool", (1, 2, 7, 8), pads=[1] * 4, **POOL), "Pooling Scale"),
    (one("AveragePool", (1, 2, 7, 7), pads=[1] * 4, count_include_pad=1, **POOL), "Pooling"),
    (one("AveragePool", (1, 2, 8, 8), ceil_mode=1, **POOL), "Pooling"),
    (one("AveragePool", (1, 2, 8, 8), pads=[0, 0, 1, 1], **POOL), "Pooling"),
    (one("GlobalMaxPool", (1, 2, 8, 8)), "Pooling"),
    (one("Gemm", (2, 5), drawn(5, 3), drawn(3), alpha=0.5, beta=2.0), "InnerProduct"),
    (one("Gemm", (2, 5), drawn(3, 5), np.float32(2), transB=1), "InnerProduct"),
    (
        one("Gemm", (5, 2), drawn(3, 5), drawn(2, 3), transA=1, transB=1),
        "Permute Eltwise Parameter",
    ),
    (one("MatMul", (2, 3, 5), drawn(5, 4)), "InnerProduct"),
    (one("Add", (2, 3, 4, 5), drawn(3, 1, 1)), "Bias"),
    (one("Add", (2, 3, 4, 5), drawn(3, 1, 5)), "Bias"),
    (one("Add", (2, 3, 1), drawn(3, 4)), "Tile Bias"),
    (one("Mul", (2, 3, 4), drawn(1, 3, 1)), "Scale"),
    (one("Mul", (2, 3, 4), np.float32(3)), "Power"),
    (one("Sub", (2, 3), drawn(3)), "Bias"),
    (one("Div", (2, 3), drawn(3) + 3), "Scale"),
    (one("Pow", (2, 3), np.float32(2)), "Power"),
    (one("Max", (2, 3), np.float32(0.25)), "Clip"),
    (one("Clip", (2, 3), np.float32(0), np.float32(6)), "ReLU6"),
    (one("Clip", (2, 3), None, np.float32(0.5)), "Clip"),
    (one("Clip", (2, 3), opset=6, min=-0.5, max=0.5), "Clip"),
    (one("PRelu", (2, 3, 4), drawn(3, 1)), "PReLU"),
    (one("PRelu", (2, 3), drawn(1)), "PReLU"),
    (one("HardSigmoid", (2, 9)), "HardSigmoid"),
    (one("HardSigmoid", (2, 9), alpha=0.3, beta=0.4), "Power Clip"),
    (one("Selu", (2, 3)), "SELU"),
    (one("Selu", (2, 3), alpha=1.5, gamma=0.5), "ELU Power"),
    (one("Celu", (2, 3), alpha=2.0), "Power ELU"),
    (one("Softsign", (2, 3)), "AbsVal Power Eltwise"),
    (one("Gelu", (2, 3), opset=20), "GELU"),
    (one("Gelu", (2, 3), opset=20, approximate="tanh"), "Power Eltwise TanH"),
    (one("LogSoftmax", (2, 3)), "Softmax Log"),
    (one("Softmax", (2, 3, 4), opset=11), "Flatten Softmax Reshape"),
    (one("LRN", (1, 7, 3, 3), size=5, alpha=0.1), "LRN"),
    (
        one("BatchNormalization", (2, 3, 4), *drawn(3, 3), np.ones(3, np.float32)),
        "BatchNorm Scale",
    ),
    (one("InstanceNormalization", (2, 3, 4, 5), *drawn(2, 3)), "LayerNorm Scale"),
    (one("LayerNormalization", (2, 3, 4), drawn(4)), "LayerNorm"),
    (one("GroupNormalization", (2, 4, 3), *drawn(2, 4), opset=21, num_groups=2), "LayerNorm"),
    (one("MeanVarianceNormalization", (2, 3, 4, 5), axes=[2, 3]), "MVN"),
    (one("ReduceMean", (2, 3, 4, 5), axes=[2, 3]), "Pooling"),
    (one("ReduceMean", (2, 3, 4, 5), axes=[2, 3], keepdims=0), "Reduction"),
    (one("ReduceMean", (2, 3, 4, 5), ints(1), opset=18), "Permute Reduction Reshape"),
    (one("ReduceMax", (2, 3, 4), axes=[1], keepdims=0), "Permute Pooling"),
    (one("ReduceMin", (2, 3, 4), axes=[-1]), "Power Pooling"),
    (one("ReduceL2", (2, 3, 4)), "Reduction Power"),
    (one("ReduceSum", (2, 3, 4), ints(0, 2)), "Permute Reduction"),
    (one("Transpose", (2, 3, 4)), "Permute"),
    (one("Reshape", (2, 3, 4), ints(0, 2, -1)), "Reshape"),
    (one("Squeeze", (2, 1, 4), ints(1)), "Flatten"),
    (one("Unsqueeze", (2, 4), ints(1, 3)), "Reshape"),
    (one("Squeeze", (2, 1, 4), opset=11, axes=[1]), "Flatten"),
    (one("Slice", (2, 5, 4), ints(1), ints(-1), ints(1)), "Slice Silence"),
    (one("Slice", (1, 2, 6, 7), ints(0, 1), ints(9, 9), ints(2, 3), ints(2, 2)), "Slice Pooling"),
    (one("Slice", (1, 3, 2), ints(-1), ints(-9), ints(1), ints(-1)), "Slice Concat"),
    (one("Slice", (2, 5), opset=9, starts=[1], ends=[3], axes=[1]), "Slice"),
    (one("Gather", (2, 3, 4), np.array(-1), axis=1), "Slice Flatten"),
    (one("Gather", (2, 3, 4), ints(2, 1, 0), axis=1), "Slice Concat"),
    (one("Pad", (1, 2, 3), ints(0, 1, 2, 0, 0, 1), np.float32(0.5)), "Parameter Concat"),
    (one("Pad", (1, 2, 5), ints(0, 0, -1, 0, 0, 1)), "Slice Parameter Concat"),
    (one("Tile", (2, 3), ints(1, 2)), "Tile"),
    (one("Expand", (2, 1), ints(3, 2, 4)), "Reshape Tile"),
    (one("DepthToSpace", (1, 8, 2, 3), blocksize=2), "Reorg"),
    (one("DepthToSpace", (1, 8, 2, 3), blocksize=2, mode="CRD"), "Reshape Permute"),
    (one("SpaceToDepth", (1, 2, 4, 6), blocksize=2), "Reshape Permute"),
    (one("Resize", (1, 2, 3, 4), None, np.float32([1, 1, 2, 3])), "Upsample"),
    (
        one("Resize", (1, 2, 3, 4), None, None, ints(1, 2, 5, 7), mode="linear",
            coordinate_transformation_mode="align_corners"), "Interp",
    ),
    (one("Upsample", (1, 2, 3, 4), np.float32([1, 1, 2, 2]), opset=9), "Upsample"),
    (one("Identity", (2, 3)), "Split"),
    (one("Dropout", (2, 3)), "Split"),
]  # fmt: skip


def build(case: Any, path: Path) -> Path:
    """The file of a case."""
    type, shape, constants, opset, attributes = case
    arrays = {f"c{i}": np.asarray(c) for i, c in enumerate(constants) if c is not None}
    names = ["x", *(f"c{i}" if c is not None else "" for i, c in enumerate(constants))]
    node = helper.make_node(type, names, ["y"], name="node", **attributes)
    return model_of(path, [node], {"x": shape}, arrays, opset)


@pytest.mark.parametrize(
    ("case", "types"), CASES, ids=[f"{c[0]}-{i}" for i, (c, _) in enumerate(CASES)]
)
def test_an_operator(case: Any, types: str, tmp_path: Path) -> None:
    """The layers are these types, and give onnxruntime's numbers, else the import would fail."""
    done = netdef.import_onnx(build(case, tmp_path / "model.onnx"), tmp_path / "out")
    net = netdef.load(done.net)
    assert not net.diagnostics
    found = {layer.type for layer in net.layers}
    assert found >= set(types.split())
    assert found - {*types.split()} <= {
        "Input",
        "Silence",
        "Reshape",
        "Flatten",
        "Scale",
        "InnerProduct",
    }
    assert net.outputs == ["y"]


REFUSED = [
    (one("Sin", (2, 3)), "there is no layer for it"),
    (one("MaxPool", (1, 2, 9, 9), kernel_shape=[2, 2], dilations=[2, 2]), "no dilation"),
    (one("Pad", (1, 2, 5), ints(0, 0, 1, 0, 0, 1), mode="reflect"), "padding of the mode reflect"),
    (one("Resize", (1, 2, 3, 4), None, np.float32([1, 1, 1.5, 2])), "equally often (3 become 4)"),
    (one("Resize", (1, 2, 3, 4), None, np.float32([1, 1, 2, 2]), mode="cubic"), "mode cubic"),
    (one("GRU", (4, 1, 3), drawn(1, 6, 3), drawn(1, 6, 2), hidden_size=2), "Caffe has no GRU"),
    (
        one("LSTM", (4, 1, 3), drawn(1, 8, 3), drawn(1, 8, 2), hidden_size=2,
            direction="reverse"), "its direction is reverse",
    ),
    (one("Cast", (2, 3), to=TensorProto.INT64), "it rounds to"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "reason"), REFUSED, ids=[f"{c[0]}-{i}" for i, (c, _) in enumerate(REFUSED)]
)
def test_what_has_no_meaning(case: Any, reason: str, tmp_path: Path) -> None:
    """It is named with its operator and the reason; nothing is written."""
    with pytest.raises(NetdefError) as caught:
        netdef.import_onnx(build(case, tmp_path / "model.onnx"), tmp_path / "out")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.rule == "not-in-caffe"
    assert f"node `node` ({case[0]}) cannot be imported: " in diagnostic.message
    assert reason in diagnostic.message
    assert not (tmp_path / "out").exists()


def test_all_of_them_are_listed(tmp_path: Path) -> None:
    """But not what only follows from them."""
    nodes = [
        helper.make_node("Sin", ["x"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="follows"),
        helper.make_node("Cos", ["x"], ["c"]),
        helper.make_node("Odd", ["x"], ["d"], name="own", domain="org.example"),
        helper.make_node("Tan", ["b"], ["e"], name="also"),
        helper.make_node("Sum", ["c", "d", "e"], ["y"]),
    ]
    path = model_of(tmp_path / "m.onnx", nodes, {"x": (2, 3)}, {})
    with pytest.raises(NetdefError) as caught:
        convert(path)
    assert [d.message.partition(" cannot")[0] for d in caught.value.diagnostics] == [
        "node `first` (Sin)",
        "node `c` (Cos)",
        "node `own` (org.example.Odd)",
        "node `also` (Tan)",
    ]


def test_sizes_are_computed_beforehand(tmp_path: Path) -> None:
    """What an exporter makes of Shape is a constant; the batch stays open in the net."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "axis"], ["n1"]),
        helper.make_node("Concat", ["n1", "minus"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["y"]),
    ]
    constants = {"zero": np.array(0), "axis": ints(0), "minus": ints(-1)}
    path = model_of(tmp_path / "m.onnx", nodes, {"x": ("N", 3, 4)}, constants)
    done = netdef.import_onnx(path, tmp_path, batch=2)
    net = netdef.load(done.net, shapes={"x": (5, 3, 4)})
    assert [layer.type for layer in net.layers] == ["Input", "Flatten"]
    assert net.blobs["y"].shape == (5, 12)
    assert done.weights is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "m.prototxt"]


def test_blobs_of_two_shapes(tmp_path: Path) -> None:
    """A gate per channel is a Scale with two bottoms; what fits no axis is repeated."""
    inputs = {"x": (2, 3, 4, 5), "g": (2, 3, 1, 1), "row": (4, 1), "one": (3, 1, 5)}
    for type in ("Add", "Sub", "Mul", "Div"):
        for a, b, kind in (
            ("x", "g", "Bias" if type in ("Add", "Sub") else "Scale"),
            ("row", "x", "Eltwise" if type == "Sub" else "Bias Scale"),
            ("x", "one", "Tile"),
        ):
            nodes = [helper.make_node(type, [a, b], ["y"])]
            path = model_of(tmp_path / "m.onnx", nodes, {n: inputs[n] for n in (a, b)}, {})
            net = netdef.load(netdef.import_onnx(path, tmp_path).net)
            assert {layer.type for layer in net.layers} & set(kind.split()), (type, a, b)


def test_one_weight_in_two_nodes(tmp_path: Path) -> None:
    """It stays one parameter."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="left"),
        helper.make_node("Conv", ["a", "w"], ["y"], name="right"),
    ]
    path = model_of(tmp_path / "m.onnx", nodes, {"x": (1, 3, 9, 9)}, {"w": drawn(3, 3, 3, 3)})
    net = netdef.load(netdef.import_onnx(path, tmp_path).net)
    assert net.param_count() == 81
    assert net.params["right"][0].owner is not None


def test_names(tmp_path: Path) -> None:
    """They are the file's, without slashes in front; what has none is called after its output."""
    nodes = [
        helper.make_node("Relu", ["x"], ["/block/relu/Relu_output_0"], name="/block/relu/Relu"),
        helper.make_node("Exp", ["/block/relu/Relu_output_0"], ['a "b"']),
        helper.make_node("Neg", ['a "b"'], ["y"], name="same"),
        helper.make_node("Abs", ["x"], ["z"], name="/same"),
    ]
    path = model_of(tmp_path / "m.onnx", nodes, {"x": (1, 3)}, {}, outputs=("y", "z", 'a "b"'))
    net = netdef.load(netdef.import_onnx(path, tmp_path).net)
    assert net.name == "tiny"
    assert [layer.name for layer in net.layers] == [
        "x",
        "block/relu/Relu",
        'a "b"',
        "same",
        "same_2",
        'a "b"/output',
    ]
    assert net.outputs == ['a "b"', "y", "z"]


def test_a_scan_is_written_out(tmp_path: Path) -> None:
    """The recurrent layers that netdef exports, which know a marker, come back step by step."""
    text = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 2 dim: 4 } } }
layer { name: "m" type: "Input" top: "m" input_param { shape { dim: 3 dim: 2 } } }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "m" top: "h"
  recurrent_param { num_output: 5 weight_filler { type: "gaussian" } } }
"""
    exported = tmp_path / "lstm.onnx"
    netdef.export_onnx(netdef.loads(text), exported, dynamic_batch=False)
    done = netdef.import_onnx(exported, tmp_path)
    net = netdef.load(done.net)
    products = [layer for layer in net.layers if layer.type == "InnerProduct"]
    assert len(products) == 4  # of all inputs, then of the state at every step
    assert len({p.root for layer in products for p in layer.params or ()}) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\x00\x01rubbish", "is no ONNX model"), (b"", "it holds no graph"), (None, "cannot read")],
)
def test_bad_files(content: bytes | None, words: str, tmp_path: Path) -> None:
    """They are told apart from what cannot be imported."""
    path = tmp_path / "m.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NetdefError, match=words):
        netdef.import_onnx(path, tmp_path / "out")


def test_truncation(tmp_path: Path) -> None:
    """A file cut anywhere is an error, never a crash."""
    whole = build(one("Conv", (1, 3, 5, 5), W3), tmp_path / "m.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        with pytest.raises(NetdefError):
            convert(path)


def test_a_known_choice(tmp_path: Path) -> None:
    """Of an If whose condition is known only the branch that is taken is left."""
    value = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    branches = [
        helper.make_graph([helper.make_node(type, ["x"], ["z"])], type, [], [value])
        for type in ("Sin", "Abs")
    ]
    nodes = [
        helper.make_node("Size", ["x"], ["size"]),
        helper.make_node("Equal", ["size", "seven"], ["same"]),
        helper.make_node("If", ["same"], ["y"], then_branch=branches[0], else_branch=branches[1]),
    ]
    path = model_of(tmp_path / "m.onnx", nodes, {"x": (2, 3)}, {"seven": np.array(7)})
    net = netdef.load(netdef.import_onnx(path, tmp_path).net)
    assert [layer.type for layer in net.layers] == ["Input", "AbsVal"]


def test_half_precision(tmp_path: Path) -> None:
    """The net computes in single precision, and is held against the file as far as that goes."""
    text = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
"""
    path = tmp_path / "half.onnx"
    netdef.export_onnx(netdef.loads(text), path, half=True)
    done = netdef.import_onnx(path, tmp_path)
    types = [layer.type for layer in netdef.load(done.net).layers]
    assert types == ["Input", "Convolution", "ReLU"]
