"""Blobs in single assignment."""

import netdef

DATA = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 4 } } }\n'


def test_in_place_layers_make_versions() -> None:
    """A bottom is the version that its name has at that point of the file."""
    net = netdef.loads(
        DATA
        + """
        layer {
          name: "ip" type: "InnerProduct" bottom: "data" top: "x"
          inner_product_param { num_output: 3 }
        }
        layer { name: "before" type: "Sigmoid" bottom: "x" top: "before" }
        layer { name: "relu" type: "ReLU" bottom: "x" top: "x" }
        layer { name: "after" type: "Sigmoid" bottom: "x" top: "after" }
        """
    )
    ip, before, relu, after = net.layers[1:]
    assert before.bottoms[0] is relu.bottoms[0] is ip.tops[0]
    assert after.bottoms[0] is relu.tops[0]
    assert [b.id for b in (ip.tops[0], relu.tops[0])] == ["x", "x#1"]
    assert relu.in_place
    assert net.blobs["x"] is relu.tops[0]
    assert net.outputs == ["after", "before"]
    assert net.consumers[ip.tops[0]] == (before, relu)


def test_loss_weights() -> None:
    """A loss counts with 1, other layers with what they say; an unnamed loss still counts."""
    net = netdef.loads(
        DATA
        + """
        layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }
        layer { name: "a" type: "SoftmaxWithLoss" bottom: "data" bottom: "label" top: "a" }
        layer {
          name: "b" type: "SoftmaxWithLoss" bottom: "data" bottom: "label" top: "b"
          loss_weight: 0.3
        }
        layer { name: "c" type: "SoftmaxWithLoss" bottom: "data" bottom: "label" }
        layer { name: "d" type: "ReLU" bottom: "data" top: "d" loss_weight: 2 }
        layer { name: "e" type: "ReLU" bottom: "data" top: "e" }
        """
    )
    weights = {layer.name: layer.loss_weights for layer in net.layers[2:]}
    assert weights["a"] == weights["c"] == (1.0,)
    assert [round(w, 6) for w in weights["b"]] == [0.3]
    assert (weights["d"], weights["e"]) == ((2.0,), (0.0,))


def test_old_inputs() -> None:
    """`input` with `input_dim` or `input_shape` is an Input layer."""
    relu = 'layer { name: "r" type: "ReLU" bottom: "x" top: "r" }'
    dims = netdef.loads(f"input: 'x' input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4 {relu}")
    shape = netdef.loads(f"input: 'x' {relu} input_shape {{ dim: 5 dim: 2 }}")
    both = netdef.loads(f"input: ['x', 'y'] input_shape: [{{ dim: 1 }}, {{ dim: 2 }}] {relu}")
    assert dims.blobs["r"].shape == (1, 2, 3, 4)
    assert shape.blobs["r"].shape == (5, 2)
    assert both.inputs == ["x", "y"]
    assert both.blobs["y"].shape == (2,)
