"""HDF5Output: what it writes, when, and what it leaves alone."""

import h5py
import numpy as np
import pytest

import netdef
from netdef.source import NetdefError

NET = """
layer { name: "in" type: "Input" top: "x" top: "y"
        input_param { shape { dim: [2, 3] } shape { dim: 2 } } }
layer { name: "double" type: "Scale" bottom: "x" top: "z" scale_param { filler { value: 2 } } }
layer { name: "out" type: "HDF5Output" bottom: "z" bottom: "y"
        hdf5_output_param { file_name: "f.h5" } }
layer { name: "sum" type: "EuclideanLoss" bottom: "z" bottom: "x" top: "loss" }
"""


@pytest.fixture
def exe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return netdef.compile(netdef.loads(NET), device="cpu")


def feed(start: int) -> dict[str, np.ndarray]:
    return {"x": np.arange(6.0).reshape(2, 3) + start, "y": np.array([start, start + 1.0])}


def test_every_whole_pass_adds_rows(exe, tmp_path):
    exe(feed(0))
    exe.loss(feed(10))
    with h5py.File(tmp_path / "f.h5") as file:
        expected = np.concatenate([2 * feed(0)["x"], 2 * feed(10)["x"]])
        np.testing.assert_array_equal(file["data"][:], expected)
        np.testing.assert_array_equal(file["label"][:], [0, 1, 10, 11])
        assert file["data"].dtype == np.float32


def test_asking_for_a_blob_writes_nothing(exe, tmp_path):
    exe.run(feed(0), ["z"])
    assert not (tmp_path / "f.h5").exists()


def test_a_new_program_begins_anew(exe, tmp_path):
    exe(feed(0))
    netdef.compile(exe.net, device="cpu")(feed(5))
    with h5py.File(tmp_path / "f.h5") as file:
        np.testing.assert_array_equal(file["label"][:], [5, 6])


def test_a_file_of_another_kind_stays(exe, tmp_path):
    (tmp_path / "f.h5").write_text("mine")
    with pytest.raises(NetdefError, match="no HDF5 file"):
        exe(feed(0))
    assert (tmp_path / "f.h5").read_text() == "mine"


def test_a_folder_that_is_not_there(tmp_path):
    text = NET.replace("f.h5", str(tmp_path / "none" / "f.h5"))
    with pytest.raises(NetdefError, match="cannot write"):
        netdef.compile(netdef.loads(text), device="cpu")(feed(0))


def test_rows_must_agree():
    with pytest.raises(NetdefError, match="2 rows and 3 rows"):
        netdef.loads(NET.replace("shape { dim: 2 }", "shape { dim: 3 }"))


def test_a_file_must_be_named():
    with pytest.raises(NetdefError, match="needs `file_name`"):
        netdef.loads(NET.replace('file_name: "f.h5"', ""))
