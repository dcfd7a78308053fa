"""Weights beside the file, for nets that are too large for one."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import netdef
from netdef.source import NetdefError

NET = """
name: "wide"
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 40 } } }
layer { name: "one" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 300 weight_filler { type: "xavier" } } }
layer { name: "two" type: "InnerProduct" bottom: "y" top: "z"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
"""


@pytest.fixture(autouse=True)
def _small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netdef.onnx_backend.model_file._MOST_BYTES", 5000)


def metadata(path: Path) -> dict[str, str]:
    model = onnx.load(path, load_external_data=False)
    return {entry.key: entry.value for entry in model.metadata_props}


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("opset", [17, 21])
def test_weights_beside_the_file(tmp_path: Path, opset: int, half: bool) -> None:
    """Two files, the one naming the other and its checksum; they run and can be moved together."""
    path = tmp_path / "net.onnx"
    net = netdef.loads(NET)
    exe = netdef.compile(net, device="cpu")
    result = netdef.export_onnx(net, path, executable=exe, opset=opset, half=half)
    assert result.comparison.relative <= (1e-2 if half else 1e-5)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]
    data = path.with_name("net.onnx.data").read_bytes()
    assert metadata(path)["sha256:net.onnx.data"] == hashlib.sha256(data).hexdigest()
    assert path.stat().st_size < 5000 < len(data)

    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("net.onnx", "net.onnx.data"):
        (tmp_path / name).rename(moved / name)
    onnx.checker.check_model(str(moved / "net.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(str(moved / "net.onnx"))
    x = np.random.default_rng(0).standard_normal((3, 40), np.float32)
    expected = exe({"x": x})["z"].detach().numpy()
    tolerance = 1e-2 if half else 1e-5
    np.testing.assert_allclose(session.run(None, {"x": x})[0], expected, atol=tolerance)
    loaded = onnx.load(moved / "net.onnx")
    names = [tensor.name for tensor in loaded.graph.initializer]
    assert names == ["one/weight", "one/bias", "two/weight", "two/bias"]
    places = onnx.load(moved / "net.onnx", load_external_data=False).graph.initializer
    offsets = [
        int(entry.value) for t in places for entry in t.external_data if entry.key == "offset"
    ]
    assert offsets == [0, offsets[1], *offsets[2:]]
    assert all(offset % 4096 == 0 for offset in offsets)


def test_a_wrong_file_leaves_both_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights are not replaced before the comparison."""
    path, data = tmp_path / "net.onnx", tmp_path / "net.onnx.data"
    path.write_bytes(b"before")
    data.write_bytes(b"before, too")
    monkeypatch.setattr("netdef.onnx_backend.verify.Difference.fits", property(lambda self: False))
    with pytest.raises(NetdefError, match="onnx-mismatch"):
        netdef.export_onnx(netdef.loads(NET), path)
    assert (path.read_bytes(), data.read_bytes()) == (b"before", b"before, too")
    assert len(list(tmp_path.iterdir())) == 2


def test_the_model_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no model is there whose weights are not."""
    import os

    renamed: list[str] = []
    replace = os.replace
    monkeypatch.setattr(
        os, "replace", lambda a, b: (renamed.append(Path(b).name), replace(a, b))[1]
    )
    netdef.export_onnx(netdef.loads(NET), tmp_path / "net.onnx")
    assert renamed == ["net.onnx.data", "net.onnx"]


def test_one_file_where_it_holds_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netdef.onnx_backend.model_file._MOST_BYTES", 10**6)
    netdef.export_onnx(netdef.loads(NET), tmp_path / "net.onnx")
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]
    assert not any(key.startswith("sha256") for key in metadata(tmp_path / "net.onnx"))
