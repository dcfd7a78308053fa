"""Damaged and foreign files: always a NetdefError that says what is wrong, never anything else."""

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from netdef.schema import pb
from netdef.source import NetdefError
from netdef.weights import read_weights
from netdef.weights.caffemodel import _Reader
from netdef.weights.wire import encode_head


def small_net():
    """A net of all three layouts, with unpacked, double and old-shaped blobs."""
    net = pb.NetParameter(name="small")
    layer = net.layer.add(name="ip", type="InnerProduct", bottom=["data"], top=["ip"])
    layer.inner_product_param.num_output = 2
    layer.blobs.add(data=range(6)).shape.dim.extend([2, 3])
    layer.blobs.add(double_data=[1, 2]).shape.dim.append(2)
    net.layer.add(name="relu", type="ReLU", bottom=["ip"], top=["ip"])
    raw = net.SerializeToString()
    unpacked = b"\x3a\x04\x0a\x02\x01\x02\x2d\0\0\0\0\x2d\0\0\x80\x3f"
    raw += b"\xa2\x06" + bytes([2 + len(unpacked) + 3]) + b"\x3a" + bytes([len(unpacked)])
    raw += unpacked + b"\x0a\x01u"
    old = pb.NetParameter()
    old.layers.add(name="old").blobs.add(num=1, channels=1, height=1, width=2, data=[5, 6])
    old.layers.add().layer.blobs.add(width=1, height=1, channels=1, num=1, data=[7])
    return raw + old.SerializeToString()


RAW = small_net()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("damage") / "x.caffemodel"


@pytest.fixture(scope="module")
def whole(path):
    path.write_bytes(RAW)
    return read_weights(path)


def test_cut_anywhere(path, whole):
    """A file that is cut gives an error, or, cut between two layers, those before the cut."""
    lengths = []
    for size in range(len(RAW)):
        path.write_bytes(RAW[:size])
        try:
            weights = read_weights(path)
        except NetdefError as fault:
            assert str(path) in str(fault)
            assert {d.rule for d in fault.diagnostics} == {"bad-weight-file"}
            continue
        lengths.append(len(weights.layers))
        for ours, theirs in zip(weights.layers, whole.layers, strict=False):
            assert ours.name == theirs.name
            for a, b in zip(ours.blobs, theirs.blobs, strict=True):
                np.testing.assert_array_equal(a, b)
    assert lengths == [1, 2, 3, 4]
    assert len(whole.layers) == 5


@st.composite
def mutated(draw):
    raw = bytearray(RAW)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(raw)))
        kind = draw(st.sampled_from(["set", "delete", "insert"]))
        if kind == "insert":
            raw[at:at] = draw(st.binary(min_size=1, max_size=6))
        elif kind == "delete":
            del raw[at : at + draw(st.integers(1, 9))]
        elif at < len(raw):
            raw[at] = draw(st.integers(0, 255))
    return bytes(raw)


def check_like_protobuf(path, raw):
    path.write_bytes(raw)
    try:
        weights = read_weights(path)
    except NetdefError as fault:
        assert "x.caffemodel" in str(fault)
        return
    try:
        parsed = pb.NetParameter.FromString(raw)
    except DecodeError:
        return  # a layer's other fields are not ours to look at
    if parsed.layer and parsed.layers:
        return  # in another order
    layers = parsed.layer or [v.layer if v.HasField("layer") else v for v in parsed.layers]
    for stored, layer in zip(weights.layers, layers, strict=True):
        for array, blob in zip(stored.blobs, layer.blobs, strict=False):
            values = blob.double_data or blob.data
            if array is not None and len(values) == array.size:
                with np.errstate(over="ignore"):
                    expected = np.float32(values)
                np.testing.assert_array_equal(array.reshape(-1), expected)


@given(mutated())
@settings(max_examples=300, deadline=None)
def test_mutated_bytes(path, raw):
    check_like_protobuf(path, raw)


@given(st.binary(min_size=1, max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes(path, raw):
    check_like_protobuf(path, raw)


@pytest.mark.slow
@given(mutated() | st.binary(min_size=1, max_size=400))
@settings(max_examples=10_000, deadline=None)
def test_many_mutated_bytes(path, raw):
    check_like_protobuf(path, raw)


def layer_with(blob):
    raw = blob if isinstance(blob, bytes) else blob.SerializeToString()
    body = b"\x0a\x05conv1" + encode_head(7, len(raw)) + raw
    return encode_head(100, len(body)) + body


def shaped(*dims, data=(1, 2, 3, 4, 5, 6), **more):
    return pb.BlobProto(shape=pb.BlobShape(dim=dims), data=data, **more)


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (shaped(2, 4), "it has 6 values, but its shape (2, 4) takes 8"),
        (shaped(2, 3, data=[]), "it has 0 values, but its shape (2, 3) takes 6"),
        (shaped(), "it has 6 values, but its shape () takes 1"),
        (shaped(-2, -3), "(-2, -3) cannot be a shape"),
        (shaped(2**62, 2**62), "cannot be a shape"),
        (shaped(0, 2**31 - 1, 2**31 - 1, data=[]), "absurdly large"),
        (shaped(*[1] * 33), "more than 32 axes"),
        (pb.BlobProto(num=-1, channels=-6, height=1, width=1, data=range(6)), "cannot be a shape"),
        (pb.BlobProto(num=2, channels=3, data=range(6)), "(2, 3, 0, 0) takes 0"),
        (b"\x2a\x03abc", "not a multiple of 4"),
        (b"\x2a\x7fabc", "field 5 says it has 127 bytes, but only 3 follow"),
        (b"\x3d\0\0\0\0", "wrong wire type 5"),
        (b"\x38\x01", "wrong wire type 0"),
        (b"\x0a\x01a", "wrong wire type 2"),
        (b"\x29\0\0\0\0\0\0\0\0", "wrong wire type"),
        (b"\x08" + b"\xff" * 11, "more than ten bytes"),
        (b"\x0c", "cannot begin a field"),
        (b"\x0f", "cannot begin a field"),
        (b"\x07", "0 is no field number"),
        (b"\x7b\x08", "cut short"),
        (b"\x7b" * 120, "nested too deep"),
        (b"\x7b\x84\x01", "was not open"),
        (b"\x7b\x0f", "cannot begin a field"),
        (b"\x7b\x0a\x09a", "field 1 says it has 9 bytes"),
        (b"\x50\x07\x62\x04abcd", "raw data are of type 7"),
    ],
)
def test_what_is_wrong_with_a_blob(path, fault_of, blob, message):
    path.write_bytes(layer_with(blob))
    text = fault_of("bad-weight-file", read_weights, path)
    assert message in text
    assert "layer `conv1`, blob 0: " in text
    assert "(at byte " in text


def test_every_bad_blob_is_listed(path):
    bad = layer_with(shaped(9)).replace(b"conv1", b"conv2")
    path.write_bytes(layer_with(shaped(7)) + layer_with(shaped(6)) + bad)
    with pytest.raises(NetdefError) as caught:
        read_weights(path)
    assert ["conv1" in d.message for d in caught.value.diagnostics] == [True, False]
    path.write_bytes(bad * 1000)
    with pytest.raises(NetdefError) as caught:
        read_weights(path)
    assert len(caught.value.diagnostics) == 50


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
        (b"PK\x03\x04\x14\0" + bytes(100), "a zip archive"),
        (b"\x80\x02}q\x00(X\x07\0\0\0weights", "a Python pickle"),
        (b"\x1f\x8b\x08" + bytes(50), "gzip"),
        (b"PK\x03\x04" + bytes(22) + b"\x0c\0\0\0net/data.pkl" + bytes(9), "a PyTorch checkpoint"),
        (b"PK\x03\x04" + bytes(22) + b"\x07\0\0\0a/0.npy" + bytes(9), "suffix .npz"),
        (b"\x08\x0a\x12\x07pytorch\x3a\xff\xff\x03" + bytes(2000), "an ONNX model"),
        (
            pb.SolverState(iter=7, learned_net="a_iter_7.caffemodel").SerializeToString(),
            "weights that belong to it are in `a_iter_7.caffemodel`",
        ),
        (b'name: "LeNet"\nlayer {\n  name: "x"\n}\n', "a text file (a prototxt?)"),
        ('# Réseau\nlayer { name: "x" }\n'.encode(), "a text file"),
        (b"<!DOCTYPE html>\n<html></html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer"),
        (b"\x40\0\0\0\0\0\0\0" + b'{"a/0":{"dtype":"F32"}}', "a safetensors file"),
        (pb.SolverState(iter=7).SerializeToString(), "wrong wire type"),
        (pb.NetParameter(name="nothing but a name").SerializeToString(), "holds no layers"),
        (b"", "is empty"),
        (b"\xff" * 30, "more than ten bytes"),
    ],
)
def test_other_files(path, fault_of, raw, message):
    path.write_bytes(raw)
    text = fault_of("bad-weight-file", read_weights, path)
    assert message in text
    assert "x.caffemodel" in text


def test_a_cut_file_names_the_layer_it_ends_in(path, fault_of):
    net = pb.NetParameter(name="n")
    net.layer.add(name="fc6").blobs.add(data=range(1000)).shape.dim.append(1000)
    path.write_bytes(net.SerializeToString()[:2000])
    text = fault_of("bad-weight-file", read_weights, path)
    assert "cut short within layer `fc6`" in text
    assert "not downloaded or copied to its end" in text


def test_many_pieces_are_refused(path, fault_of):
    """Pieces of one value each would take many times the file's size."""
    size = pb.BlobProto(shape=pb.BlobShape(dim=[70_000])).SerializeToString()
    blob = size + b"\x2a\x04\0\0\0\0" * 70_000
    layer = encode_head(7, len(blob)) + blob
    path.write_bytes(encode_head(100, len(layer)) + layer)
    assert "too many pieces" in fault_of("bad-weight-file", read_weights, path)


def test_a_file_that_shrinks_while_it_is_read(path, monkeypatch, fault_of):
    path.write_bytes(RAW)
    scan = _Reader.scan

    def scan_then_cut(reader):
        scan(reader)
        path.write_bytes(RAW[:30])

    monkeypatch.setattr(_Reader, "scan", scan_then_cut)
    assert "became shorter" in fault_of("bad-weight-file", read_weights, path)


def test_missing_file(tmp_path, fault_of):
    (tmp_path / "lenet_iter_1000.caffemodel").write_bytes(b"x")
    text = fault_of("missing-file", read_weights, tmp_path / "lenet_iter_100.caffemodel")
    assert "did you mean `lenet_iter_1000.caffemodel`?" in text
    fault_of("missing-file", read_weights, tmp_path / "no" / "x.caffemodel")
    (tmp_path / "folder.caffemodel").mkdir()
    text = fault_of("bad-weight-file", read_weights, tmp_path / "folder.caffemodel")
    assert "is a folder" in text
