"""Writing `.caffemodel`: what protobuf and Caffe find in it, its limit, and atomicity."""

import os
import stat

import numpy as np
import pytest

from netdef.schema import pb
from netdef.source import NetdefError
from netdef.weights import (
    StoredLayer,
    Weights,
    check_caffemodel_size,
    read_weights,
    write_weights,
)


def arrays(weights):
    return {name: [np.asarray(b) for b in blobs] for name, blobs in weights.items() if blobs}


def assert_equal(a, b):
    a, b = arrays(a), arrays(b)
    assert list(a) == list(b)
    for name in a:
        for x, y in zip(a[name], b[name], strict=True):
            assert x.shape == y.shape
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", ["bn_sgd.iter20.caffemodel", "adam.iter20.caffemodel"])
def test_reference_snapshots_are_written_byte_by_byte(data, tmp_path, name):
    write_weights(tmp_path / name, read_weights(data / name))
    assert (tmp_path / name).read_bytes() == (data / name).read_bytes()


def test_protobuf_reads_what_is_written(tmp_path, mlp, values):
    path = tmp_path / "mlp.caffemodel"
    write_weights(path, values, mlp)
    net = pb.NetParameter.FromString(path.read_bytes())
    assert net.SerializeToString() == path.read_bytes()
    assert net.name == "mlp"
    assert [layer.name for layer in net.layer] == ["data", "ip1", "ip2"]
    data, ip1, ip2 = net.layer
    assert (ip1.type, list(ip1.bottom), list(ip1.top)) == ("InnerProduct", ["data"], ["ip1"])
    assert (ip1.inner_product_param.num_output, ip1.phase) == (3, pb.TEST)
    assert list(data.input_param.shape[0].dim) == [2, 4]
    assert not data.blobs
    assert [list(blob.shape.dim) for blob in ip1.blobs] == [[3, 4], [3]]
    np.testing.assert_array_equal(np.float32(ip2.blobs[0].data), values["ip2"][0].reshape(-1))
    assert_equal(read_weights(path), values)


def test_without_a_net(tmp_path):
    path = tmp_path / "x.caffemodel"
    values = {
        "scalar": [np.float32(3)],
        "empty": [np.zeros((0, 2), np.float32)],
        "double": [np.arange(6.0).reshape(2, 3)],
        "strided": [np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2].T],
        "café/1×1": [np.ones(3)],
        "none": [],
    }
    write_weights(path, values)
    weights = read_weights(path)
    assert_equal(weights, values)
    assert "none" in weights
    assert pb.NetParameter.FromString(path.read_bytes()).layer[4].name == "café/1×1"


def test_what_a_file_says_of_its_layers_is_kept(tmp_path, data):
    weights = read_weights(data / "bn_sgd.iter20.caffemodel")
    write_weights(tmp_path / "x.h5", weights)
    write_weights(tmp_path / "y.caffemodel", weights)
    again = read_weights(tmp_path / "y.caffemodel")
    assert again.layer("conv").settings == weights.layer("conv").settings


def test_old_shapes_stay_old_without_a_net_and_become_new_with_one(tmp_path, mlp, values):
    old = pb.NetParameter()
    for name, blobs in values.items():
        layer = old.layers.add(name=name)
        for blob in blobs:
            n, c, h, w = (1,) * (4 - blob.ndim) + blob.shape
            layer.blobs.add(num=n, channels=c, height=h, width=w, data=blob.reshape(-1))
    (tmp_path / "old.caffemodel").write_bytes(old.SerializeToString())
    weights = read_weights(tmp_path / "old.caffemodel")
    for suffix in (".caffemodel", ".h5", ".safetensors"):
        write_weights(tmp_path / f"copy{suffix}", weights)
        copy = read_weights(tmp_path / f"copy{suffix}")
        assert copy["ip1"][0].shape == (1, 1, 3, 4)
        assert copy.is_legacy("ip1", 0)
        write_weights(tmp_path / f"new{suffix}", weights, mlp)
        new = read_weights(tmp_path / f"new{suffix}")
        assert not new.is_legacy("ip1", 0)
        assert_equal({name: new[name] for name in values}, values)


def test_layers_the_net_lacks_follow_at_the_end_and_unset_ones_are_left_out(tmp_path, mlp, values):
    path = tmp_path / "x.caffemodel"
    write_weights(path, {"aux": [np.ones(2)], "ip1": values["ip1"]}, mlp)
    assert list(read_weights(path)) == ["data", "ip1", "aux"]


def test_weights_of_another_shape_are_refused(tmp_path, mlp, values, fault_of):
    values["ip1"][0] = values["ip1"][0].T
    text = fault_of("weight-mismatch", write_weights, tmp_path / "x.caffemodel", values, mlp)
    assert "(4, 3) but (3, 4) in the net" in text
    assert list(tmp_path.iterdir()) == []


def test_what_only_a_net_could_tell(tmp_path, fault_of):
    path = tmp_path / "x.caffemodel"
    shared = Weights([StoredLayer("a", (None, np.zeros(2, np.float32)))])
    assert "blob 0 of layer `a`" in fault_of("weight-mismatch", write_weights, path, shared)
    five = np.zeros((1, 1, 1, 2, 3), np.float32)
    c3d = Weights([StoredLayer("a", (five,), legacy=frozenset({0}))])
    assert "5 axes" in fault_of("weight-mismatch", write_weights, path, c3d)
    assert list(tmp_path.iterdir()) == []


def test_more_than_2_gib_is_refused_before_anything_is_written(tmp_path, net_of, fault_of):
    path = tmp_path / "x.caffemodel"
    large = np.broadcast_to(np.float32(0), (2**29,))  # 2 GiB that are 4 bytes
    layer = StoredLayer("ip", (large,))
    text = fault_of("too-large", write_weights, path, Weights([layer]))
    assert ".caffemodel.h5" in text
    assert list(tmp_path.iterdir()) == []
    net = net_of(
        'layer { name: "data" type: "Input" top: "data"'
        " input_param { shape { dim: 1 dim: 65536 } } }"
        'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"'
        " inner_product_param { num_output: 8192 } }"
    )
    assert "HDF5" in fault_of("too-large", check_caffemodel_size, net, path)


def test_a_net_that_fits(mlp):
    check_caffemodel_size(mlp)


def test_the_size_is_known_beforehand(tmp_path, monkeypatch, mlp, values):
    """The limit counts the bytes that are then written, to the last."""
    path = tmp_path / "x.caffemodel"
    write_weights(path, values, mlp)
    size = path.stat().st_size
    monkeypatch.setattr("netdef.weights.caffemodel.LARGEST", size)
    write_weights(path, values, mlp)
    monkeypatch.setattr("netdef.weights.caffemodel.LARGEST", size - 1)
    with pytest.raises(NetdefError):
        write_weights(path, values, mlp)


@pytest.mark.parametrize("suffix", [".caffemodel", ".caffemodel.h5", ".safetensors"])
class TestAtomicity:
    def test_a_failure_leaves_the_old_file_and_nothing_else(
        self, tmp_path, monkeypatch, values, fault_of, suffix
    ):
        path = tmp_path / f"x{suffix}"
        path.write_bytes(b"old")

        def full(handle):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        assert "No space left" in fault_of("cannot-write", write_weights, path, values)
        assert path.read_bytes() == b"old"
        assert [p.name for p in tmp_path.iterdir()] == [path.name]

    def test_an_interrupt_leaves_nothing(self, tmp_path, monkeypatch, values, suffix):
        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_weights(tmp_path / f"x{suffix}", values)
        assert list(tmp_path.iterdir()) == []

    def test_places_that_cannot_be_written(self, tmp_path, values, fault_of, suffix):
        fault_of("cannot-write", write_weights, tmp_path / "no" / f"x{suffix}", values)
        (tmp_path / f"x{suffix}").mkdir()
        fault_of("cannot-write", write_weights, tmp_path / f"x{suffix}", values)

    def test_links_and_modes(self, tmp_path, values, suffix):
        (tmp_path / "there").mkdir()
        target, link = tmp_path / "there" / f"x{suffix}", tmp_path / f"latest{suffix}"
        link.symlink_to(target)
        before = os.umask(0o027)
        try:
            write_weights(link, values)
        finally:
            os.umask(before)
        assert link.is_symlink()
        assert stat.S_IMODE(target.stat().st_mode) == 0o640
        assert_equal({k: read_weights(link)[k] for k in values}, values)


def test_a_failure_halfway(tmp_path, monkeypatch, values):
    """The second blob cannot be had; nothing of the first is left."""

    def break_off(array):
        raise MemoryError

    monkeypatch.setattr("netdef.weights.caffemodel.encode_values", break_off)
    with pytest.raises(MemoryError):
        write_weights(tmp_path / "x.caffemodel", values)
    assert list(tmp_path.iterdir()) == []
