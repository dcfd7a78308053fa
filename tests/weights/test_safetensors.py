"""`.safetensors`."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from netdef.source import NetdefError
from netdef.weights import StoredLayer, Weights, read_weights, write_weights


def test_round_trip(tmp_path, mlp, values):
    path = tmp_path / "x.safetensors"
    write_weights(path, values, mlp)
    weights = read_weights(path)
    assert weights.name == "mlp"
    assert [(layer.name, layer.type) for layer in weights.layers] == [
        ("data", "Input"),
        ("ip1", "InnerProduct"),
        ("ip2", "InnerProduct"),
    ]
    for name, blobs in values.items():
        for ours, theirs in zip(weights[name], blobs, strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == np.float32
    with safe_open(path, framework="numpy") as file:
        assert set(file.keys()) == {"ip1/0", "ip1/1", "ip2/0"}


def test_files_of_others(tmp_path):
    path = tmp_path / "x.safetensors"
    tensors = {
        "a/b/0": np.float16([1, 2]),
        "a/b/1": np.array([1e300, 2]),
        "a/0": np.array(7, np.float32),
    }
    save_file(tensors, path)
    weights = read_weights(path)
    np.testing.assert_array_equal(weights["a/b"][0], [1, 2])
    assert weights["a/b"][1].dtype == np.float32
    assert weights["a"][0].shape == ()
    assert weights.diagnostics[0].rule == "non-finite-weights"


def test_layers_of_one_name(tmp_path, fault_of):
    blob = np.ones(2, np.float32)
    twice = Weights([StoredLayer("a", (blob,)), StoredLayer("a", (blob,))])
    fault_of("weight-mismatch", write_weights, tmp_path / "x.safetensors", twice)


def with_metadata(path, **metadata):
    save_file(
        {"a/0": np.ones(1, np.float32)}, path, {k.replace("_", "."): v for k, v in metadata.items()}
    )


@pytest.mark.parametrize("text", ["{", "7", "[1]", "[[1]]", '{"a": 1}', "[" * 100_000])
def test_damaged_metadata(tmp_path, fault_of, text):
    path = tmp_path / "x.safetensors"
    with_metadata(path, netdef_layers=text)
    assert "netdef.layers" in fault_of("bad-weight-file", read_weights, path)


@pytest.mark.parametrize("key", ["conv1.weight", "a/x", "a/9999", "0"])
def test_other_names(tmp_path, fault_of, key):
    path = tmp_path / "x.safetensors"
    save_file({key: np.ones(1, np.float32)}, path)
    assert f"`{key}`" in fault_of("bad-weight-file", read_weights, path)


def test_other_types(tmp_path, fault_of):
    path = tmp_path / "x.safetensors"
    save_file({"a/0": np.ones(1, np.int8)}, path)
    assert "is I8, not one of F32" in fault_of("bad-weight-file", read_weights, path)


def test_damaged_files(tmp_path, fault_of, values):
    path = tmp_path / "x.safetensors"
    write_weights(path, values)
    raw = path.read_bytes()
    for size in range(len(raw)):
        path.write_bytes(raw[:size])
        assert "x.safetensors" in fault_of("bad-weight-file", read_weights, path)
    random = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(raw)
        for at in random.integers(0, len(raw), 2):
            damaged[at] = random.integers(256)
        path.write_bytes(damaged)
        try:
            read_weights(path)
        except NetdefError as fault:
            assert "x.safetensors" in str(fault)
    header = json.dumps({"a/0": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}})
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(8))
    fault_of("bad-weight-file", read_weights, path)
    path.write_bytes(b'name: "LeNet"\n')
    assert "a text file" in fault_of("bad-weight-file", read_weights, path)
    fault_of("missing-file", read_weights, tmp_path / "y.safetensors")
