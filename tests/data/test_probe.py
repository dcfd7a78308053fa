"""Shapes from sources, and what checking a net says about them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netdef.data.probe import prober
from netdef.passes.pipeline import Request, check_net
from netdef.schema import pb
from netdef.source import NetdefError, SourceFile
from netdef.source.render_text import render_text

DATA = """layer {{
  name: "mnist" type: "Data" top: "data" top: "label"
  data_param {{ source: "images_lmdb" batch_size: 5 backend: LMDB }}
  {}
}}
"""
HDF5 = """layer {
  name: "rows" type: "HDF5Data" top: "data" top: "label"
  hdf5_data_param { source: "files.txt" batch_size: 5 }
}
"""


def check(tmp_path: Path, text: str) -> str:
    """What `check` says, without the folder."""
    file = SourceFile(str(tmp_path / "net.prototxt"), text)
    found = check_net(file, ["TEST"], Request(probe=prober(file.path)))
    return render_text(found).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("transform", "shape"),
    [
        ("", (5, 3, 8, 10)),
        ("transform_param { crop_size: 6 }", (5, 3, 6, 6)),
        ("transform_param { crop_h: 4 crop_w: 10 }", (5, 3, 4, 10)),
    ],
    ids=["whole", "crop", "oblong crop"],
)
def test_shapes_of_data(images, lmdb_of, load, transform, shape):
    lmdb_of(images)
    net = load(DATA.format(transform))
    assert net.blobs["data"].shape == shape
    assert net.blobs["label"].shape == (5,)
    assert net.diagnostics == ()


def test_a_single_top(images, lmdb_of, load):
    lmdb_of(images)
    net = load(DATA.format("").replace('top: "label"', ""))
    assert {name: blob.shape for name, blob in net.blobs.items()} == {"data": (5, 3, 8, 10)}


def test_the_backend_is_seen_from_the_files(images, lmdb_of, load):
    lmdb_of(images)
    net = load(DATA.format("").replace("backend: LMDB", ""))  # which would mean LEVELDB
    assert net.blobs["data"].shape == (5, 3, 8, 10)


def test_what_is_known_without_the_source(load):
    net = load(DATA.format(""))
    assert net.blobs["data"].shape is None
    assert net.blobs["label"].shape == (5,)
    assert [d.rule for d in net.diagnostics] == ["missing-source"]


def test_a_leveldb_that_cannot_be_read_here_leaves_shapes_unknown(tmp_path, load, monkeypatch):
    monkeypatch.setitem(sys.modules, "plyvel", None)
    (tmp_path / "images_lmdb").mkdir()
    (tmp_path / "images_lmdb/CURRENT").touch()
    net = load(DATA.format(""))
    assert net.blobs["data"].shape is None
    assert not net.has_errors


def test_shapes_of_hdf5(hdf5_of, load):
    hdf5_of({"data": np.zeros((9, 2, 3)), "label": np.zeros(9)})
    net = load(HDF5)
    assert net.blobs["data"].shape == (5, 2, 3)
    assert net.blobs["label"].shape == (5,)


def test_hdf5_without_the_source(load):
    net = load(HDF5)
    assert net.blobs["data"].shape is None
    assert net.blobs["label"].shape is None


def test_a_net_that_is_only_drawn(load):
    text = 'layer { name: "d" type: "Data" top: "data" input_param { shape { dim: 1 dim: 3 } } }'
    assert load(text).blobs["data"].shape == (1, 3)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (DATA.format("").replace("batch_size: 5", ""), "3:3", "Data needs `batch_size`"),
        (DATA.format("").replace("5", "0"), "3:50", "`batch_size` must be at least 1"),
        (DATA.format("").replace('source: "images_lmdb"', ""), "3:3", "Data needs `source`"),
        (HDF5.replace("batch_size: 5", ""), "3:3", "HDF5Data needs `batch_size`"),
        (HDF5.replace('source: "files.txt"', ""), "3:3", "HDF5Data needs `source`"),
        (
            HDF5.replace("name:", "transform_param { scale: 2 } name:"),
            "2:3",
            "HDF5Data transforms nothing",
        ),
    ],
    ids=["no batch", "batch 0", "no source", "hdf5 no batch", "hdf5 no source", "hdf5 transform"],
)
def test_fields_that_make_no_sense(load, text, place, message):
    with pytest.raises(NetdefError, match=message) as raised:
        load(text)
    (found,) = raised.value.diagnostics
    assert f"{found.span.line}:{found.span.column}" == place


def test_all_faults_of_a_layer_are_listed(load):
    with pytest.raises(NetdefError) as raised:
        load('layer { name: "d" type: "Data" top: "data" data_param { } }')
    assert [d.rule for d in raised.value.diagnostics] == ["missing-field", "missing-field"]


def test_an_empty_database(lmdb_of, tmp_path):
    lmdb_of([])
    assert check(tmp_path, DATA.format("")) == (
        "net.prototxt:3:24: error[bad-source]: images_lmdb holds no records\n"
        ' 3 |   data_param { source: "images_lmdb" batch_size: 5 backend: LMDB }\n'
        "   |                        ^^^^^^^^^^^^^\n"
    )


def test_a_damaged_first_record(lmdb_of, tmp_path):
    lmdb_of([pb.Datum(channels=1, height=2, width=2, data=b"abc")])
    message = "record `00000000` of images_lmdb has 3 values, but its sizes say 1 x 2 x 2 = 4"
    assert f"net.prototxt:3:24: error[bad-source]: {message}\n" in check(tmp_path, DATA.format(""))


def test_a_missing_dataset(hdf5_of, tmp_path):
    hdf5_of({"data": np.zeros((9, 2, 3))})
    message = "part0.h5 has no dataset `label`; it has `data`"
    assert f"net.prototxt:3:29: error[bad-source]: {message}\n" in check(tmp_path, HDF5)


def test_probing_a_database_is_light(images, lmdb_of, tmp_path):
    lmdb_of(images)
    (tmp_path / "net.prototxt").write_text(DATA.format(""))
    program = (
        "import sys\n"
        "from netdef.data.probe import prober\n"
        "from netdef.passes.pipeline import Request, load_net\n"
        "from netdef.source import SourceFile\n"
        "file = SourceFile.read('net.prototxt')\n"
        "net = load_net(file, 'TRAIN', Request(probe=prober(file.path)))\n"
        "print(net.blobs['data'].shape)\n"
        "print(*sorted({'torch', 'numpy', 'h5py', 'PIL', 'onnx'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout == "(5, 3, 8, 10)\n\n"
