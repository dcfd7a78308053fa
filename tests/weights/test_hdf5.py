"""`.caffemodel.h5`."""

import h5py
import numpy as np
import pytest

from netdef.source import NetdefError
from netdef.weights import StoredLayer, Weights, match_weights, read_weights, write_weights

SHARED = """\
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 4 } } }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a"
        param { name: "w" } inner_product_param { num_output: 3 } }
layer { name: "b" type: "InnerProduct" bottom: "data" top: "b"
        param { name: "w" } inner_product_param { num_output: 3 } }
"""


def test_reference_snapshot(data):
    weights = read_weights(data / "sgd_hdf5.iter20.caffemodel.h5")
    with h5py.File(data / "sgd_hdf5.iter20.caffemodel.h5") as file:
        assert set(weights) == set(file["data"])
        for name, blobs in weights.items():
            assert len(blobs) == len(file["data"][name])
            for index, blob in enumerate(blobs):
                np.testing.assert_array_equal(blob, file[f"data/{name}/{index}"][()])
    assert weights["conv"][0].shape == (6, 3, 3, 3)


def test_written_as_the_reference_does(data, tmp_path):
    source, copy = data / "sgd_hdf5.iter20.caffemodel.h5", tmp_path / "x.h5"
    write_weights(copy, read_weights(source))

    def contents(path):
        found = {}

        def visit(name, member):
            kind = (member.dtype, member.shape, member.chunks) if hasattr(member, "dtype") else None
            found[name] = kind, dict(member.attrs)

        with h5py.File(path) as file:
            file.visititems(visit)
        return found

    assert contents(copy) == contents(source)


def test_names_with_slashes(tmp_path):
    path = tmp_path / "x.h5"
    values = {
        "inception_3a/1x1": [np.ones(2)],
        "inception_3a": [],
        "inception_3a/5x5/b": [np.ones(3)],
    }
    write_weights(path, values)
    with h5py.File(path) as file:
        assert file["data/inception_3a/1x1/0"].shape == (2,)
    weights = read_weights(path)
    assert {name for name in weights if weights[name]} == {n for n, v in values.items() if v}


@pytest.mark.parametrize("name", ["", ".", "a//b", "/a", "a/", "a/./b"])
def test_names_that_hdf5_has_no_path_for(tmp_path, fault_of, name):
    fault_of("weight-mismatch", write_weights, tmp_path / "x.h5", {name: [np.ones(2)]})
    assert list(tmp_path.iterdir()) == []


def test_names_that_collide(tmp_path, fault_of):
    path = tmp_path / "x.h5"
    fault_of("weight-mismatch", write_weights, path, {"a": [np.ones(2)], "a/0": [np.ones(2)]})
    blob = np.ones(2, np.float32)
    twice = Weights([StoredLayer("a", (blob,)), StoredLayer("a", (blob,))])
    fault_of("weight-mismatch", write_weights, path, twice)
    write_weights(path, Weights([StoredLayer("a", (blob,)), StoredLayer("a")]))
    assert len(read_weights(path)["a"]) == 1


@pytest.mark.parametrize("suffix", [".h5", ".safetensors"])
def test_shared_parameters_are_kept_with_their_owner(tmp_path, net_of, suffix):
    net = net_of(SHARED)
    weight = np.arange(12, dtype=np.float32).reshape(3, 4)
    values = {"a": [weight, np.ones(3)], "b": [weight, np.zeros(3)]}
    path = tmp_path / f"x{suffix}"
    write_weights(path, values, net)
    weights = read_weights(path)
    assert weights.omits_shared
    assert weights["b"][0] is None
    found = match_weights(weights, net)
    assert len(found.values) == 3
    np.testing.assert_array_equal(found.values[net.params["b"][0].root], weight)
    assert found.missing == ()
    write_weights(tmp_path / "x.caffemodel", weights, net)
    again = read_weights(tmp_path / "x.caffemodel")
    np.testing.assert_array_equal(again["b"][0], weight)
    with pytest.raises(NetdefError, match="is shared, and its owner is not known"):
        write_weights(tmp_path / "y.caffemodel", weights)


def test_other_types_scalars_and_links(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        layer = file.create_group("data/a")
        layer["0"] = np.arange(6.0).reshape(2, 3)
        layer["1"] = np.float16(2)
        layer["2"] = np.arange(4, dtype=np.int32)
        layer["3"] = np.zeros((0, 4), np.float32)
        layer.create_dataset("4", data=np.zeros(5000), compression="gzip")
        file["data/b"] = h5py.SoftLink("/data/a")
        file["data/c/0"] = h5py.SoftLink("/data/a/0")
    weights = read_weights(path)
    assert [blob.shape for blob in weights["a"]] == [(2, 3), (), (4,), (0, 4), (5000,)]
    assert all(blob.dtype == np.float32 for blob in weights["a"])
    assert weights["a"][1] == 2
    assert weights["b"][0] is weights["c"][0] is weights["a"][0]


def test_nan_is_a_warning(tmp_path):
    path = tmp_path / "x.h5"
    write_weights(path, {"a": [np.array([np.nan, 1])]})
    (warning,) = read_weights(path).diagnostics
    assert warning.rule == "non-finite-weights"


def make(build):
    def write(path):
        with h5py.File(path, "w") as file:
            build(file)

    return write


def other_file(file):
    file.create_group("data/a").create_dataset(
        "0", (2,), "f4", external=[(str(file.filename) + ".raw", 0, 8)]
    )


def through_another(file):
    other = str(file.filename) + ".other"
    make(lambda f: f.create_dataset("x", data=[1.0]))(other)
    file["away"] = h5py.ExternalLink(other, "/")
    file.create_group("data/a")["0"] = h5py.SoftLink("/away/x")


def root_elsewhere(file):
    other = str(file.filename) + ".other"
    make(lambda f: f.create_dataset("data/a/0", data=[1.0]))(other)
    file["data"] = h5py.ExternalLink(other, "/data")


def virtual(file):
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (2,), "f4")
    file.create_group("data/a").create_virtual_dataset("0", layout)


def circle(file):
    group = file.create_group("data/a")
    group["b"] = file["data"]


def bomb(file):
    file.create_group("data/a").create_dataset("0", (2**40,), "f4", chunks=(2**20,))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda f: f.create_group("history"), "no group `data`"),
        (lambda f: f.create_dataset("data", data=[1.0]), "no group `data`"),
        (lambda f: f.create_dataset("data/a/weight", data=[1.0]), "`a/weight` is not a blob's"),
        (lambda f: f.create_dataset("data/a/99999", data=[1.0]), "`a/99999` is not a blob's"),
        (lambda f: f.create_dataset("data/a/0", data=b"text"), "not numbers"),
        (lambda f: f.create_dataset("data/a/0", dtype="f4", data=h5py.Empty("f4")), "not numbers"),
        (lambda f: f.create_group("data/a").__setitem__("0", h5py.SoftLink("/no")), "damaged"),
        (
            lambda f: f.create_group("data/a").__setitem__("0", h5py.ExternalLink("o.h5", "/x")),
            "a link into another file",
        ),
        (through_another, "a link into another file"),
        (root_elsewhere, "a link into another file"),
        (other_file, "its values are in another file"),
        (virtual, "its values are in another file"),
        (circle, "in a circle"),
        (bomb, "but 0 are stored"),
    ],
)
def test_files_that_are_refused(tmp_path, fault_of, build, message):
    path = tmp_path / "x.h5"
    make(build)(path)
    assert message in fault_of("bad-weight-file", read_weights, path)


def test_damaged_files(data, tmp_path, fault_of):
    raw = (data / "sgd_hdf5.iter20.caffemodel.h5").read_bytes()
    path = tmp_path / "x.h5"
    for size in range(0, len(raw), 97):
        path.write_bytes(raw[:size])
        assert "x.h5" in fault_of("bad-weight-file", read_weights, path)
    random = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(raw)
        for at in random.integers(0, 2048, 3):
            damaged[at] = random.integers(256)
        path.write_bytes(damaged)
        try:
            read_weights(path)
        except NetdefError as fault:
            assert "x.h5" in str(fault)


def test_other_kinds_of_file(data, tmp_path, fault_of):
    path = tmp_path / "x.h5"
    path.write_bytes((data / "adam.iter20.caffemodel").read_bytes())
    assert "is no HDF5 file" in fault_of("bad-weight-file", read_weights, path)
    path.write_bytes(b'name: "LeNet"\n')
    assert "a text file" in fault_of("bad-weight-file", read_weights, path)
    fault_of("missing-file", read_weights, tmp_path / "y.h5")
