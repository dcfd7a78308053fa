"""`.npz`."""

import io
import zipfile

import numpy as np
import pytest

from netdef.source import NetdefError
from netdef.weights import StoredLayer, Weights, match_weights, read_weights, write_weights


def test_round_trip(tmp_path, mlp, values):
    path = tmp_path / "x.npz"
    write_weights(path, values, mlp)
    with np.load(path, allow_pickle=False) as file:
        assert list(file) == ["ip1/0", "ip1/1", "ip2/0"]
        np.testing.assert_array_equal(file["ip1/0"], values["ip1"][0])
    weights = read_weights(path)
    for name, blobs in values.items():
        for ours, theirs in zip(weights[name], blobs, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    raw = path.read_bytes()
    write_weights(path, values, mlp)
    assert path.read_bytes() == raw


def test_old_shapes_are_told(tmp_path, mlp):
    blobs = (np.ones((1, 1, 3, 4), np.float32), np.ones((1, 1, 1, 3), np.float32))
    old = Weights([StoredLayer("ip1", blobs, legacy=frozenset({0, 1}))])
    write_weights(tmp_path / "x.npz", old)
    weights = read_weights(tmp_path / "x.npz")
    assert weights.layer("ip1").legacy == {0, 1}
    assert set(match_weights(weights, mlp).copied) == {"ip1"}


def test_files_of_others(tmp_path):
    path = tmp_path / "x.npz"
    arrays = {
        "a/b/0": np.asfortranarray(np.arange(6, dtype=">f8").reshape(2, 3)),
        "a/b/1": np.float16([1, np.inf]),
        "c/0": np.array(3),
    }
    np.savez_compressed(path, **arrays)
    weights = read_weights(path)
    np.testing.assert_array_equal(weights["a/b"][0], np.arange(6).reshape(2, 3))
    assert weights["a/b"][0].flags.c_contiguous
    assert weights.layer("a/b").dtypes == ("fp64", "fp16")
    assert weights["c"][0].shape == ()
    assert weights.diagnostics[0].rule == "non-finite-weights"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"conv1.weight": np.ones(1)}, "`conv1.weight` is not named after a layer"),
        ({"a/0": np.array([{}])}, "Python objects"),
        ({"a/0": np.array(["x"])}, "not numbers"),
        ({"a/0": np.ones(1), "a/00": np.ones(1)}, "`a/00` is there twice"),
        ({"a/0": np.ones(1), "netdef.legacy": np.ones(1)}, "`netdef.legacy` is damaged"),
        ({}, "holds no arrays"),
    ],
)
def test_what_is_refused(tmp_path, fault_of, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    assert message in fault_of("bad-weight-file", read_weights, tmp_path / "x.npz")


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, raw in members.items():
            file.writestr(name, raw)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_archives_of_something_else(tmp_path, fault_of):
    path = tmp_path / "x.npz"
    archive(path, {"model/data.pkl": b"x"})
    assert "a PyTorch checkpoint" in fault_of("bad-weight-file", read_weights, path)
    archive(path, {"word/document.xml": b"x"})
    assert "another zip archive" in fault_of("bad-weight-file", read_weights, path)
    path.write_bytes(b'name: "LeNet"\n')
    assert "a text file" in fault_of("bad-weight-file", read_weights, path)
    fault_of("missing-file", read_weights, tmp_path / "y.npz")


def test_sizes_are_checked_before_memory_is_taken(tmp_path, fault_of):
    path = tmp_path / "x.npz"
    raw = npy(np.ones(7, np.float32))
    archive(path, {"a/0.npy": raw.replace(b"(7,), }", b"(7777777777777,), }")[:-13] + raw[-28:]})
    fault_of("bad-weight-file", read_weights, path)
    archive(path, {"a/0.npy": raw + b"more"})
    assert "has 32 bytes, but its shape (7) of float32 takes 28" in fault_of(
        "bad-weight-file", read_weights, path
    )
    archive(path, {"a/0.npy": raw.replace(b"\x93NUMPY\x01", b"\x93NUMPY\x09")})
    assert "9.0" in fault_of("bad-weight-file", read_weights, path)


def test_names_that_cannot_be_keys(tmp_path, fault_of):
    text = fault_of("weight-mismatch", write_weights, tmp_path / "x.npz", {"a\0b": [np.ones(1)]})
    assert "null" in text
    with pytest.raises(NetdefError):
        write_weights(tmp_path / "no" / "x.npz", {"a": [np.ones(1)]})
