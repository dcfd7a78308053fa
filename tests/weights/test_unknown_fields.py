"""What nobody here knows in a `.caffemodel` is kept; what C3D and NVIDIA mean is understood."""

import numpy as np

from netdef.schema import pb
from netdef.weights import read_weights, write_weights
from netdef.weights.wire import encode_head as head
from netdef.weights.wire import encode_varint as varint

VALUES = np.arange(6, dtype=np.float32)


def message(number, payload):
    return head(number, len(payload)) + payload


def test_bytes_of_forks_survive(tmp_path):
    """In the net, in a layer and in a blob; groups, too."""
    group = varint(900 << 3 | 3) + b"\x08\x07" + varint(900 << 3 | 4)
    shape = message(7, message(1, b"\x02\x03"))
    blob = message(5, VALUES.tobytes()) + shape + message(77, b"abc") + group
    layer = message(1, b"ip") + message(2, b"InnerProduct") + message(7, blob)
    layer += message(147, b"\xff\xff") + varint(8266711 << 3 | 5) + b"abcd"
    raw = message(1, b"net") + message(8, message(1, b"\x01")) + message(66, b"xyz") + group
    raw += message(100, layer)
    (tmp_path / "x.caffemodel").write_bytes(raw)
    weights = read_weights(tmp_path / "x.caffemodel")
    np.testing.assert_array_equal(weights["ip"][0], VALUES.reshape(2, 3))
    write_weights(tmp_path / "y.caffemodel", weights)
    assert (tmp_path / "y.caffemodel").read_bytes() == raw


def test_gradients_are_left_behind(tmp_path):
    net = pb.NetParameter(name="n")
    net.layer.add(name="ip").blobs.add(data=VALUES, diff=VALUES).shape.dim.append(6)
    (tmp_path / "x.caffemodel").write_bytes(net.SerializeToString())
    write_weights(tmp_path / "y.caffemodel", read_weights(tmp_path / "x.caffemodel"))
    written = pb.NetParameter.FromString((tmp_path / "y.caffemodel").read_bytes())
    net.layer[0].blobs[0].ClearField("diff")
    assert written == net


def c3d_layer(number, name):
    extents = b"".join(varint(n << 3) + varint(v) for n, v in enumerate((1, 1, 1, 2, 3), 1))
    body = message(4, name) + b"\x28" + varint(number)
    if number == 30:
        body += message(6, extents + message(6, VALUES.tobytes()))
    return message(2, body)


def test_types_of_c3d_are_told_by_its_blobs(tmp_path):
    path = tmp_path / "x.caffemodel"
    path.write_bytes(c3d_layer(30, b"conv1a") + c3d_layer(31, b"pool1"))
    weights = read_weights(path)
    assert [layer.type for layer in weights.layers] == ["CONVOLUTION3D", "POOLING3D"]
    path.write_bytes(c3d_layer(31, b"x"))
    assert read_weights(path).layers[0].type == "THRESHOLD"


def test_c3d_in_the_form_of_a_net(tmp_path, net_of, fault_of):
    net = net_of("""
        layer { name: "d" type: "Input" top: "d" input_param { shape { dim: [1, 3] } } }
        layer { name: "ip" type: "InnerProduct" bottom: "d" top: "ip"
                inner_product_param { num_output: 2 bias_term: false } }
    """)
    (tmp_path / "x.caffemodel").write_bytes(c3d_layer(30, b"ip"))
    weights = read_weights(tmp_path / "x.caffemodel")
    text = fault_of("weight-mismatch", write_weights, tmp_path / "y.caffemodel", weights)
    assert "--model" in text
    write_weights(tmp_path / "y.caffemodel", weights, net)
    assert read_weights(tmp_path / "y.caffemodel")["ip"][0].shape == (2, 3)


def test_half_as_nvidias_fork_has_it(tmp_path):
    path = tmp_path / "x.caffemodel"
    write_weights(path, {"a": [VALUES], "b": [np.float32(2)]}, dtype="fp16", raw_half=True)
    weights = read_weights(path)
    assert weights.layer("a").dtypes == ("fp16",)
    np.testing.assert_array_equal(weights["a"][0], VALUES)
    assert weights["b"][0].shape == ()
    blob = message(7, message(1, b"\x06")) + b"\x50\x02" + message(12, np.float16(VALUES).tobytes())
    assert message(7, blob) in path.read_bytes()
