"""A net as an ONNX file: its names, sizes, versions, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import netdef
from netdef import catalog
from netdef.onnx_backend.opset import newest_opset
from netdef.source import NetdefError

MLP = """
name: "mlp"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 6 } } }
layer { name: "fc/one" type: "InnerProduct" bottom: "data" top: "ip1"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" relu_param { negative_slope: 0.1 } }
layer { name: "fc2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "scores/prob" }
"""

TRAINING = """
layer { name: "data" type: "Input" top: "data" top: "label"
  input_param { shape { dim: 4 dim: 6 } shape { dim: 4 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


def run(path: Path, feed: dict[str, Any]) -> dict[str, Any]:
    """Every output of a file by name."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


def fails(text: str, path: Path, **options: Any) -> str:
    """The text of the error when a net is exported; nothing is left in the folder."""
    before = sorted(path.parent.iterdir())
    with pytest.raises(NetdefError) as caught:
        netdef.export_onnx(netdef.loads(text, name="net.prototxt"), path, **options)
    assert sorted(path.parent.iterdir()) == before
    return str(caught.value)


def test_an_mlp(tmp_path: Path) -> None:
    """The file alone gives the program's numbers, at any batch size."""
    path = tmp_path / "mlp.onnx"
    net = netdef.loads(MLP)
    exe = netdef.compile(net, device="cpu")
    result = netdef.export_onnx(net, path, executable=exe)

    assert result.path == path
    assert result.opset == 17
    assert result.inputs == {"data": ("N", 6)}
    assert result.outputs == {"scores/prob": ("N", 3)}
    assert result.largest_difference <= 1e-6
    assert result.comparison.shapes == [{"data": (4, 6)}, {"data": (3, 6)}]
    assert result.warnings == ()
    for batch in (1, 7):
        x = np.random.default_rng(batch).standard_normal((batch, 6), np.float32)
        expected = exe({"data": x})["scores/prob"].detach().numpy()
        np.testing.assert_allclose(run(path, {"data": x})["scores/prob"], expected, atol=1e-6)


def test_names(tmp_path: Path) -> None:
    """Blobs name values, layers nodes, and weights are called after their layers."""
    path = tmp_path / "mlp.onnx"
    netdef.export_onnx(netdef.loads(MLP, name="models/mlp.prototxt"), path)
    model = onnx.load(path)

    assert (model.producer_name, model.producer_version) == ("netdef", netdef.__version__)
    assert model.doc_string == "mlp from mlp.prototxt, phase TEST"
    assert model.graph.name == "mlp"
    assert [node.name for node in model.graph.node] == ["fc/one", "relu", "fc2", "prob"]
    made = [name for node in model.graph.node for name in node.output]
    assert made == ["ip1#0", "ip1", "ip2", "scores/prob"]
    assert [i.name for i in model.graph.initializer] == [
        "fc/one/weight",
        "fc/one/bias",
        "fc2/weight",
        "fc2/bias",
    ]


def test_the_last_of_several_layers_that_pass_on_carries_the_name(tmp_path: Path) -> None:
    """Where a layer makes no node, the name goes to the value behind it."""
    text = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "relu" type: "ReLU" bottom: "x" top: "x" }
layer { name: "split" type: "Split" bottom: "x" top: "a" top: "b" }
"""
    path = tmp_path / "net.onnx"
    result = netdef.export_onnx(netdef.loads(text), path)
    assert set(result.outputs) == {"a", "b"}
    assert result.largest_difference == 0
    outputs = run(path, {"x": np.array([[-1, 0, 2]], np.float32)})
    assert outputs["a"].tolist() == outputs["b"].tolist() == [[0, 0, 2]]


def test_an_input_that_is_changed_in_place_keeps_its_name(tmp_path: Path) -> None:
    """Then the output cannot have it."""
    text = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "relu" type: "ReLU" bottom: "x" top: "x" }
"""
    result = netdef.export_onnx(netdef.loads(text), tmp_path / "net.onnx")
    assert list(result.inputs) == ["x"]
    assert list(result.outputs) == ["x#1"]


def test_shared_parameters_are_stored_once(tmp_path: Path) -> None:
    """Under the name of the layer that has them first; in another shape by a Reshape."""
    shared = 'param { name: "w" share_mode: PERMISSIVE }'
    text = f"""
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 6 }} }} }}
layer {{ name: "one" type: "InnerProduct" bottom: "x" top: "y" {shared}
  inner_product_param {{ num_output: 2 bias_term: false weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "two" type: "InnerProduct" bottom: "x" top: "z" {shared}
  inner_product_param {{ num_output: 2 bias_term: false transpose: true }} }}
"""
    path = tmp_path / "net.onnx"
    netdef.export_onnx(netdef.loads(text), path)
    names = [i.name for i in onnx.load(path).graph.initializer if "constant" not in i.name]
    assert names == ["one/weight"]


def test_weights_from_a_file(tmp_path: Path) -> None:
    """They are the file's, not the fillers', which a warning tells of."""
    net = netdef.loads(MLP)
    exe = netdef.compile(net, device="cpu")
    exe.save_weights(tmp_path / "w.caffemodel")
    result = netdef.export_onnx(net, tmp_path / "mlp.onnx")
    assert [w.rule for w in result.warnings] == ["no-weights"]
    result = netdef.export_onnx(net, tmp_path / "mlp.onnx", weights=tmp_path / "w.caffemodel")
    assert result.warnings == ()
    stored = onnx.load(tmp_path / "mlp.onnx").graph.initializer
    values = {i.name: onnx.numpy_helper.to_array(i) for i in stored}
    torch.testing.assert_close(torch.tensor(values["fc2/weight"]), exe.params["fc2"][0].detach())
    with pytest.raises(ValueError, match="not both"):
        netdef.export_onnx(net, tmp_path / "x.onnx", tmp_path / "w.caffemodel", executable=exe)


def test_a_fixed_batch(tmp_path: Path) -> None:
    """On request, or where the net fits no other, with a warning."""
    path = tmp_path / "net.onnx"
    result = netdef.export_onnx(netdef.loads(MLP), path, dynamic_batch=False)
    assert (result.inputs, result.outputs) == ({"data": (4, 6)}, {"scores/prob": (4, 3)})
    assert result.comparison.shapes == [{"data": (4, 6)}]

    # Here the weights' shape depends on the batch.
    whole = MLP.replace("num_output: 3", "num_output: 3 axis: 0").rpartition("layer")[0]
    result = netdef.export_onnx(netdef.loads(whole), path)
    assert result.inputs == {"data": (4, 6)}
    assert [w.rule for w in result.warnings] == ["no-weights", "fixed-batch"]


def test_a_large_batch_is_tried_with_a_smaller_one(tmp_path: Path) -> None:
    """It is open in the file, so that nothing is lost but time."""
    net = netdef.loads(MLP.replace("dim: 4", "dim: 500"))
    result = netdef.export_onnx(net, tmp_path / "net.onnx")
    assert result.comparison.shapes == [{"data": (8, 6)}, {"data": (3, 6)}]


def test_inputs_of_other_sizes_have_their_own_symbol(tmp_path: Path) -> None:
    """Here every item is two rows of the second input."""
    text = """
layer { name: "a" type: "Input" top: "a" input_param { shape { dim: 2 dim: 6 } } }
layer { name: "b" type: "Input" top: "b" input_param { shape { dim: 4 dim: 3 } } }
layer { name: "r" type: "Reshape" bottom: "b" top: "r"
  reshape_param { shape { dim: -1 dim: 6 } } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "r" top: "sum" }
"""
    result = netdef.export_onnx(netdef.loads(text), tmp_path / "net.onnx")
    assert result.inputs == {"a": ("N", 6), "b": ("N_b", 3)}
    assert result.outputs == {"sum": ("N", 6)}


def test_every_opset_up_to_the_newest(tmp_path: Path) -> None:
    """Names and numbers stay; others are refused."""
    net = netdef.loads(MLP)
    newest = newest_opset()
    assert newest >= 20
    for opset in range(17, newest + 1):
        path = tmp_path / f"{opset}.onnx"
        result = netdef.export_onnx(net, path, opset=opset)
        model = onnx.load(path)
        assert model.opset_import[0].version == result.opset == opset
        assert [node.name for node in model.graph.node] == ["fc/one", "relu", "fc2", "prob"]
        assert model.producer_name == "netdef"
    path = tmp_path / "net.onnx"
    expected = f"error[opset-range]: opset 16 cannot be written, only 17 to {newest}"
    assert fails(MLP, path, opset=16) == expected
    assert f"opset {newest + 1} cannot be written" in fails(MLP, path, opset=newest + 1)


def test_losses_and_accuracies_are_left_out(tmp_path: Path) -> None:
    """With the labels that only they read; what they judged is the output."""
    net = netdef.loads(TRAINING, name="net.prototxt")
    exe = netdef.compile(net, device="cpu")
    result = netdef.export_onnx(net, tmp_path / "net.onnx", executable=exe)
    assert result.inputs == {"data": ("N", 6)}
    assert result.outputs == {"ip": ("N", 5)}
    assert str(NetdefError(result.warnings)) == (
        "net.prototxt:6:32: warning[left-out]: "
        "layers `accuracy` and `loss` are left out, which ONNX cannot express\n"
        ' 6 | layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: '
        '"accuracy" }\n'
        "   |                                ^^^^^^^^^^\n"
        "   --> net.prototxt:7:28: left out, too\n"
        ' 7 | layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: '
        '"loss" }\n'
        "   |                            ^^^^^^^^^^^^^^^^^\n"
        "   = help: the outputs are now `ip`, and `label` is an input no more"
    )


def test_a_net_with_data_layers(tmp_path: Path) -> None:
    """Their tops are the inputs; whether the data are there does not matter."""
    text = TRAINING.replace(
        'type: "Input"', 'type: "HDF5Data" hdf5_data_param { source: "no.txt" batch_size: 4 }'
    ).replace("input_param { shape { dim: 4 dim: 6 } shape { dim: 4 } }", "")
    net = netdef.loads(text, shapes={"data": (4, 6), "label": (4,)})
    result = netdef.export_onnx(net, tmp_path / "net.onnx")
    assert result.inputs == {"data": ("N", 6)}
    # Without labels, a loss has no shape; it is left out all the same.
    result = netdef.export_onnx(netdef.loads(text, shapes={"data": (4, 6)}), tmp_path / "net.onnx")
    assert result.outputs == {"ip": ("N", 5)}


def test_what_a_loss_is_held_against_is_no_output(tmp_path: Path) -> None:
    """An autoencoder gives the reconstruction, not the flattened image; Silence gives nothing."""
    text = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 4 dim: 2 dim: 3 } } }
layer { name: "flat" type: "Flatten" bottom: "data" top: "flat" }
layer { name: "code" type: "InnerProduct" bottom: "data" top: "code"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "back" type: "InnerProduct" bottom: "code" top: "back"
  inner_product_param { num_output: 6 weight_filler { type: "xavier" } } }
layer { name: "image" type: "Sigmoid" bottom: "back" top: "image" }
layer { name: "extra" type: "TanH" bottom: "back" top: "extra" }
layer { name: "hush" type: "Silence" bottom: "extra" }
layer { name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "back" bottom: "flat" top: "loss" }
layer { name: "error" type: "EuclideanLoss" bottom: "image" bottom: "flat" top: "error" }
"""
    result = netdef.export_onnx(netdef.loads(text), tmp_path / "net.onnx")
    assert list(result.outputs) == ["image"]
    nodes = onnx.load(tmp_path / "net.onnx").graph.node
    assert [node.name for node in nodes if "/" not in node.name][-1] == "image"
    assert not any("extra" in node.name for node in nodes)


def test_parameters_of_a_layer_that_is_left_out(tmp_path: Path) -> None:
    """They go on with the layer that shares them."""
    text = """
layer { name: "x" type: "Input" top: "x" top: "y" input_param { shape { dim: 2 dim: 6 } } }
layer { name: "judge" type: "InnerProduct" bottom: "y" top: "z" param { name: "w" }
  inner_product_param { num_output: 2 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "hush" type: "Silence" bottom: "z" }
layer { name: "kept" type: "InnerProduct" bottom: "x" top: "out" param { name: "w" }
  inner_product_param { num_output: 2 bias_term: false } }
"""
    net = netdef.loads(text)
    exe = netdef.compile(net, device="cpu")
    result = netdef.export_onnx(net, tmp_path / "net.onnx", executable=exe)
    assert list(result.inputs) == ["x"]
    (stored,) = onnx.load(tmp_path / "net.onnx").graph.initializer
    assert stored.name == "kept/weight"
    expected = exe.params["judge"][0].detach().numpy()
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(stored), expected)


def test_a_layer_that_onnx_cannot_express(tmp_path: Path) -> None:
    """All of them are listed, each at its place; no file is written."""
    text = TRAINING.replace("loss_weight", "") + (
        'layer { name: "more" type: "ReLU" bottom: "loss" top: "more" }\n'
        'layer { name: "better" type: "ReLU" bottom: "accuracy" top: "better" }\n'
    )
    assert fails(text, tmp_path / "net.onnx") == (
        "net.prototxt:6:32: error[unsupported-in-onnx]: Accuracy cannot be expressed in ONNX: "
        "an accuracy is measured only where labels are given\n"
        ' 6 | layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: '
        '"accuracy" }\n'
        "   |                                ^^^^^^^^^^\n"
        "net.prototxt:7:28: error[unsupported-in-onnx]: SoftmaxWithLoss cannot be expressed in "
        "ONNX: a loss exists only in training\n"
        ' 7 | layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: '
        '"loss" }\n'
        "   |                            ^^^^^^^^^^^^^^^^^"
    )


def test_unknown_layers_and_shapes(tmp_path: Path) -> None:
    """Neither can be exported; but they may stand where no output needs them."""
    path = tmp_path / "net.onnx"
    unknown = 'layer { name: "odd" type: "Frobnicate" bottom: "ip1" top: "odd" }\n'
    assert fails(MLP + unknown, path) == (
        "net.prototxt:10:27: error[not-inferred]: "
        "layer `odd` cannot be exported: its type `Frobnicate` is unknown\n"
        ' 10 | layer { name: "odd" type: "Frobnicate" bottom: "ip1" top: "odd" }\n'
        "    |                           ^^^^^^^^^^^^"
    )
    hushed = MLP + unknown + 'layer { name: "hush" type: "Silence" bottom: "odd" }\n'
    assert list(netdef.export_onnx(netdef.loads(hushed), path).outputs) == ["scores/prob"]
    path.unlink()

    shapeless = MLP.replace("input_param { shape { dim: 4 dim: 6 } }", "")
    assert fails(shapeless, path) == (
        "net.prototxt:3:41: error[unknown-shape]: the shape of the input `data` is not known\n"
        ' 3 | layer { name: "data" type: "Input" top: "data"  }\n'
        "   |                                         ^^^^^^\n"
        "   = help: give it with --shape data=N,C,H,W"
    )
    lone = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }'
    assert "no layer computes an output" in fails(lone, path)


def test_a_wrong_facet_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither wrong numbers nor an invalid graph; a file that was there stays."""
    relu = type(catalog.find("ReLU"))
    path = tmp_path / "net.onnx"
    path.write_bytes(b"before")

    monkeypatch.setattr(relu, "onnx", lambda self, n, g, ins: g.op("Neg", ins[0]))
    text = fails(MLP, path)
    assert text.startswith("error[onnx-mismatch]: output `scores/prob` of the ONNX file differs by")

    monkeypatch.setattr(relu, "onnx", lambda self, n, g, ins: g.op("Flatten", ins[0], axis=0))
    assert fails(MLP, path).startswith("error[onnx-invalid]: ")

    monkeypatch.setattr(relu, "onnx", lambda self, n, g, ins: g.op("NoSuchOperator", ins[0]))
    assert fails(MLP, path).startswith("error[onnx-invalid]: ")
    assert path.read_bytes() == b"before"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The place where the file should go is named."""
    with pytest.raises(NetdefError) as caught:
        netdef.export_onnx(netdef.loads(MLP), tmp_path / "nowhere" / "net.onnx")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.rule == "cannot-write"


def test_what_draws_numbers_is_compared_by_shape_only(tmp_path: Path) -> None:
    """A Dropout that drops in TEST cannot give the same numbers twice."""
    text = MLP + (
        'layer { name: "drop" type: "Dropout" bottom: "scores/prob" top: "drop" '
        "dropout_param { sample_weights_test: true } }\n"
    )
    result = netdef.export_onnx(netdef.loads(text), tmp_path / "net.onnx")
    assert [w.rule for w in result.warnings] == ["no-weights", "not-compared"]
    assert result.largest_difference == 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_parameters_from_a_gpu(tmp_path: Path) -> None:
    """They are compared on the CPU, in full precision."""
    net = netdef.loads(MLP)
    exe = netdef.compile(net, device="cuda", precision="tf32")
    result = netdef.export_onnx(net, tmp_path / "net.onnx", executable=exe)
    assert result.largest_difference <= 1e-6
    assert exe.device.type == "cuda"
