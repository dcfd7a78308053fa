"""Formats by suffix, and what importing the room costs."""

import subprocess
import sys

import numpy as np
import pytest

import netdef.weights
from netdef.weights import Weights, read_weights, weight_format, write_weights


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.caffemodel", "caffemodel"),
        ("x_iter_5.caffemodel.h5", "hdf5"),
        ("X.H5", "hdf5"),
        ("a.b/x.safetensors", "safetensors"),
    ],
)
def test_suffixes(name, kind):
    assert weight_format(name) == kind


@pytest.mark.parametrize("name", ["x.pth", "x", "x.caffemodel.gz", ".caffemodel/x"])
def test_unknown_suffixes(name, fault_of):
    for call in (read_weights, weight_format, lambda n: write_weights(n, {})):
        text = fault_of("unknown-format", call, name)
        assert ".caffemodel.h5" in text
        assert ".safetensors" in text


@pytest.mark.parametrize("suffix", [".caffemodel", ".h5", ".safetensors"])
def test_every_format_holds_the_same(tmp_path, mlp, values, suffix):
    write_weights(tmp_path / f"x{suffix}", values, mlp)
    weights = read_weights(str(tmp_path / f"x{suffix}"))
    assert weights.path == str(tmp_path / f"x{suffix}")
    assert set(weights) == {"data", "ip1", "ip2"}
    for name, blobs in values.items():
        for ours, theirs in zip(weights[name], blobs, strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.flags.writeable


def test_from_arrays():
    array = np.ones((2, 3), np.float32)
    weights = Weights.from_arrays({"a": [array, [1, 2]], "b": []}, "net")
    assert weights["a"][0] is array
    assert weights["a"][1].dtype == np.float32
    assert len(weights) == 2
    assert weights.layer("b").blobs == ()
    assert Weights.from_arrays(weights) is weights
    assert "2 layers" in repr(weights)


def test_heavy_libraries_wait_until_they_are_needed():
    code = "import sys, netdef.weights; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "h5py", "safetensors", "onnx"} & set(done.stdout.split())


def test_public_names_are_documented():
    for name in netdef.weights.__all__:
        assert getattr(netdef.weights, name).__doc__
