"""Every layout that a `.caffemodel` comes in, built with protobuf or by hand."""

import struct

import numpy as np
import pytest

from netdef.schema import pb
from netdef.weights import read_weights
from netdef.weights.wire import encode_varint as varint


def head(number, length):
    return varint(number << 3 | 2) + varint(length)


def message(number, payload):
    return head(number, len(payload)) + payload


def in_layer(*blobs, name=b"ip"):
    """A net of one layer with blobs given as bytes."""
    body = message(1, name) + message(2, b"InnerProduct") + b"".join(message(7, b) for b in blobs)
    return message(1, b"net") + message(100, body)


SHAPE_2_3 = message(7, message(1, b"\x02\x03"))
VALUES = np.arange(6, dtype=np.float32) - 2.5
PACKED = message(5, VALUES.tobytes())
UNPACKED = b"".join(b"\x2d" + struct.pack("<f", v) for v in VALUES)


@pytest.fixture
def read(tmp_path):
    """Reads bytes, or a message, as a .caffemodel."""

    def run(content):
        path = tmp_path / "x.caffemodel"
        raw = content if isinstance(content, bytes) else content.SerializeToString()
        path.write_bytes(raw)
        return read_weights(path)

    return run


def test_current_format(read):
    net = pb.NetParameter(name="lenet")
    net.layer.add(name="data", type="Data", top=["data"])
    layer = net.layer.add(name="ip", type="InnerProduct", bottom=["data"], top=["ip"])
    blob = layer.blobs.add()
    blob.shape.dim.extend([2, 3])
    blob.data.extend(VALUES)
    blob.diff.extend(VALUES + 1)
    weights = read(net)
    assert weights.name == "lenet"
    assert list(weights) == ["data", "ip"]
    assert weights["data"] == ()
    (array,) = weights["ip"]
    assert array.dtype == np.float32
    assert array.flags.writeable
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(array, VALUES.reshape(2, 3))
    assert weights.layer("ip").type == "InnerProduct"
    assert not weights.is_legacy("ip", 0)
    layer.ClearField("blobs")
    assert pb.LayerParameter.FromString(weights.layer("ip").settings) == layer
    assert weights.diagnostics == ()


@pytest.mark.parametrize(
    "blob",
    [
        SHAPE_2_3 + PACKED,
        PACKED + SHAPE_2_3,
        SHAPE_2_3 + UNPACKED,
        SHAPE_2_3 + message(5, VALUES[:2].tobytes()) + UNPACKED[10:],
        SHAPE_2_3 + UNPACKED[:20] + message(5, b"") + message(5, VALUES[4:].tobytes()),
        message(7, b"\x08\x02\x08\x03") + PACKED,  # unpacked dims
        message(7, message(1, b"\x02")) + PACKED + message(7, message(1, b"\x03")),  # merged
        SHAPE_2_3 + message(8, VALUES.astype("<f8").tobytes()),
        SHAPE_2_3 + b"".join(b"\x41" + struct.pack("<d", v) for v in VALUES),
        SHAPE_2_3 + message(8, VALUES.astype("<f8").tobytes()) + message(5, b"\0" * 24),
        SHAPE_2_3 + PACKED + message(6, b"\0" * 24) + message(9, b"\0" * 48),  # gradients
        SHAPE_2_3 + b"\x50\x02" + message(12, VALUES.astype("<f2").tobytes()),  # NVIDIA's
        SHAPE_2_3 + b"\x50\x01" + message(12, VALUES.tobytes()),
        SHAPE_2_3 + b"\x50\x00" + message(12, VALUES.astype("<f8").tobytes()),
        SHAPE_2_3 + PACKED + message(77, b"abc") + b"\xa3\x06\x08\x01\xa4\x06",  # unknown, a group
        b"\xba\x00" + SHAPE_2_3[1:] + PACKED,  # a tag written with more bytes than it needs
    ],
)
def test_ways_to_store_a_blob(read, blob):
    weights = read(in_layer(blob))
    np.testing.assert_array_equal(weights["ip"][0], VALUES.reshape(2, 3))
    assert not weights.is_legacy("ip", 0)


def test_long_runs_of_unpacked_values(read):
    values = np.random.default_rng(0).standard_normal(200_001, np.float32)
    rows = np.empty((values.size, 5), np.uint8)
    rows[:, 0] = 0x2D
    rows[:, 1:] = values.view(np.uint8).reshape(-1, 4)
    shape = message(7, message(1, varint(values.size)))
    gradient = np.where(np.arange(5) == 0, 0x35, rows).astype(np.uint8)  # another run after it
    weights = read(in_layer(rows.tobytes() + gradient.tobytes() + shape))
    np.testing.assert_array_equal(weights["ip"][0], values)


def test_old_shapes(read):
    blob = pb.BlobProto(num=1, channels=1, height=2, width=3, data=VALUES)
    weights = read(in_layer(blob.SerializeToString()))
    assert weights["ip"][0].shape == (1, 1, 2, 3)
    assert weights.is_legacy("ip", 0)
    blob.shape.dim.append(99)  # the reference ignores `shape` next to an old one
    assert read(in_layer(blob.SerializeToString()))["ip"][0].shape == (1, 1, 2, 3)


def test_extents_that_are_not_given_are_0(read):
    weights = read(in_layer(pb.BlobProto(num=7).SerializeToString()))
    assert weights["ip"][0].shape == (7, 0, 0, 0)


def test_scalar_and_empty(read):
    scalar = message(5, struct.pack("<f", 4.5))
    empty = message(7, message(1, b"\x00\x05"))
    weights = read(in_layer(scalar, empty))
    assert weights["ip"][0].shape == ()
    assert weights["ip"][0] == 4.5
    assert weights["ip"][1].shape == (0, 5)


def test_c3d_v1_blobs(read):
    extents = b"".join(varint(n << 3) + varint(v) for n, v in enumerate((1, 1, 1, 2, 3), 1))
    blob = extents + message(6, VALUES.tobytes()) + message(7, b"\0" * 24)
    weights = read(in_layer(blob))
    np.testing.assert_array_equal(weights["ip"][0], VALUES.reshape(1, 1, 1, 2, 3))
    assert weights.is_legacy("ip", 0)


def test_v1_layers(read):
    net = pb.NetParameter(name="old")
    layer = net.layers.add(name="conv", type=pb.V1LayerParameter.CONVOLUTION, bottom=["data"])
    layer.blobs.add(num=1, channels=1, height=2, width=3, data=VALUES)
    layer.blobs.add(num=1, channels=1, height=1, width=1, data=[9])
    net.layers.add(name="relu", type=pb.V1LayerParameter.RELU)
    weights = read(net)
    assert list(weights) == ["conv", "relu"]
    assert [b.shape for b in weights["conv"]] == [(1, 1, 2, 3), (1, 1, 1, 1)]
    assert weights.layer("conv").type == "CONVOLUTION"
    assert weights.layer("conv").settings == b""


def test_v1_type_of_a_fork(read):
    body = message(4, b"x") + b"\x28\xe7\x07" + message(6, SHAPE_2_3 + PACKED)
    assert read(message(2, body)).layer("x").type == "999"


def test_v0_layers(read):
    net = pb.NetParameter()
    connection = net.layers.add(bottom=["data"], top=["conv"])
    connection.layer.name, connection.layer.type = "conv", "conv"
    connection.layer.blobs.add(num=1, channels=1, height=2, width=3, data=VALUES)
    weights = read(net)
    assert weights.layer("conv").type == "conv"
    np.testing.assert_array_equal(weights["conv"][0].reshape(2, 3), VALUES.reshape(2, 3))


def test_layer_parameters_of_forks_are_not_looked_at(read):
    odd = message(147, b"\xff\xff\xff") + varint(8266711 << 3 | 5) + b"abcd"
    body = message(1, b"p") + odd + message(7, SHAPE_2_3 + PACKED) + odd
    weights = read(message(100, body))
    assert weights["p"][0].shape == (2, 3)
    assert weights.layer("p").settings == message(1, b"p") + odd + odd


def test_names_in_latin_1(read):
    assert list(read(in_layer(SHAPE_2_3 + PACKED, name=b"caf\xe9"))) == ["café"]
    assert list(read(in_layer(SHAPE_2_3 + PACKED, name="café".encode()))) == ["café"]


def test_of_layers_with_one_name_the_last_counts(read):
    net = pb.NetParameter()
    for value in (1, 2):
        net.layer.add(name="a").blobs.add(data=[value]).shape.dim.append(1)
    weights = read(net)
    assert weights["a"][0] == 2
    assert len(weights.layers) == 2


def test_nan_and_infinity_are_a_warning(read):
    values = VALUES.copy()
    values[1], values[4] = np.nan, -np.inf
    weights = read(in_layer(SHAPE_2_3 + message(5, values.tobytes()), SHAPE_2_3 + PACKED))
    (warning,) = weights.diagnostics
    assert warning.rule == "non-finite-weights"
    assert not warning.is_error
    assert "x.caffemodel" in warning.message
    assert "2 in blob 0 of layer `ip`" in warning.message
    too_large = message(8, np.full(6, 1e300).tobytes())
    weights = read(in_layer(SHAPE_2_3 + too_large, SHAPE_2_3 + too_large))
    assert "more in one other blob" in weights.diagnostics[0].message


def test_reference_snapshots(data):
    weights = read_weights(data / "bn_sgd.iter20.caffemodel")
    shapes = {name: [b.shape for b in blobs] for name, blobs in weights.items() if blobs}
    assert shapes == {
        "conv": [(6, 3, 3, 3)],
        "bn": [(6,), (6,), (1,)],
        "scale": [(6,), (6,)],
        "ip": [(5, 6), (5,)],
    }
    parsed = pb.NetParameter.FromString((data / "adam.iter20.caffemodel").read_bytes())
    weights = read_weights(data / "adam.iter20.caffemodel")
    for layer in parsed.layer:
        for blob, array in zip(layer.blobs, weights[layer.name], strict=True):
            np.testing.assert_array_equal(array.reshape(-1), np.float32(blob.data))
            assert array.shape == tuple(blob.shape.dim)
