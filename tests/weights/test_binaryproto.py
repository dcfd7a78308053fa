"""Mean images."""

import numpy as np
import pytest

from netdef.schema import pb
from netdef.weights import read_binaryproto, read_mean, write_binaryproto


def test_recorded_mean(data, tmp_path):
    blob = pb.BlobProto.FromString((data / "mean.binaryproto").read_bytes())
    mean = read_mean(data / "mean.binaryproto")
    assert mean.shape == (3, 9, 11)
    np.testing.assert_array_equal(mean.reshape(-1), np.float32(blob.data))
    assert read_binaryproto(data / "mean.binaryproto").shape == (1, 3, 9, 11)
    write_binaryproto(tmp_path / "mean.binaryproto", mean)
    raw = (tmp_path / "mean.binaryproto").read_bytes()
    assert raw == (data / "mean.binaryproto").read_bytes()


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (3, 4, 5), (2, 3, 4, 5), (1, 2, 3, 4, 5)])
def test_round_trip(tmp_path, shape):
    path = tmp_path / "x.binaryproto"
    array = np.random.default_rng(0).standard_normal(shape)
    write_binaryproto(path, array)
    stored = read_binaryproto(path)
    assert stored.shape == (1,) * (4 - len(shape)) + shape
    np.testing.assert_array_equal(stored.reshape(shape), np.float32(array))


def test_new_shapes(tmp_path):
    path = tmp_path / "x.binaryproto"
    blob = pb.BlobProto(double_data=range(24), shape=pb.BlobShape(dim=[2, 3, 4]))
    path.write_bytes(blob.SerializeToString())
    assert read_mean(path).shape == (2, 3, 4)


def test_what_is_no_mean(tmp_path, data, fault_of):
    path = tmp_path / "x.binaryproto"
    write_binaryproto(path, np.zeros((2, 3, 4, 5)))
    assert "(2, 3, 4, 5)" in fault_of("bad-weight-file", read_mean, path)
    raw = (data / "mean.binaryproto").read_bytes()
    for size in range(len(raw)):
        path.write_bytes(raw[:size])
        assert "x.binaryproto" in fault_of("bad-weight-file", read_mean, path)
    fault_of("bad-weight-file", read_mean, data / "adam.iter20.caffemodel")
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    assert "an HDF5 file" in fault_of("bad-weight-file", read_mean, path)
    fault_of("missing-file", read_mean, tmp_path / "y.binaryproto")
