"""Images into the file, instead of what the net sees."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import netdef
from netdef.onnx_backend.preprocessing import Preprocessing, preprocessing_of
from netdef.source import NetdefError
from netdef.weights.binaryproto import write_binaryproto
from netdef.weights.mean_option import read_mean_option

NET = """
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 2 dim: 3 dim: 6 dim: 5 } } }
layer { name: "power" type: "Power" bottom: "data" top: "out" power_param { scale: 2 } }
"""
TRAINED = """
layer { name: "data" type: "Data" top: "data" top: "label" data_param { source: "no" batch_size: 2 }
  transform_param { scale: 0.5 crop_size: 5 mean_value: 10 mean_value: 20 mean_value: 30 } }
layer { name: "power" type: "Power" bottom: "data" top: "out" power_param { scale: 2 } }
"""
MEAN = np.array([10, 20, 30], np.float32)[:, None, None]


def run(path: Path, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"data": images})[0]


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("rgb", [False, True])
def test_mean_scale_and_channels(tmp_path: Path, rgb: bool, dtype: type) -> None:
    """Worked out by hand: out = 2 (pixel - mean) / 4, of the channels as the net has them."""
    by = Preprocessing(MEAN, 0.25, rgb, dtype is np.uint8)
    path = tmp_path / "net.onnx"
    result = netdef.export_onnx(netdef.loads(NET), path, preprocessing=by)
    assert result.inputs == {"data": ("N", 3, 6, 5)}
    assert result.comparison.largest <= 1e-5
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 6, 5)).astype(dtype)
    blue_first = images[:, [2, 1, 0]] if rgb else images
    expected = (blue_first.astype(np.float64) - MEAN) / 2
    np.testing.assert_allclose(run(path, images), expected, rtol=1e-6)
    model = onnx.load(path)
    wanted = onnx.TensorProto.UINT8 if dtype is np.uint8 else onnx.TensorProto.FLOAT
    assert model.graph.input[0].type.tensor_type.elem_type == wanted
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert said["preprocessing"] == "included"
    assert (json.loads(said["mean"]), said["scale"]) == ([10, 20, 30], "0.25")
    assert said["channels"] == ("reversed" if rgb else "as trained")


def test_a_mean_image_is_cut_to_the_input(tmp_path: Path) -> None:
    """Its centre counts, as for a crop in phase TEST; too small a one is refused."""
    mean = np.arange(3 * 8 * 8, dtype=np.float32).reshape(3, 8, 8)
    path = tmp_path / "net.onnx"
    netdef.export_onnx(netdef.loads(NET), path, preprocessing=Preprocessing(mean))
    images = np.ones((1, 3, 6, 5), np.float32)
    np.testing.assert_allclose(run(path, images), 2 * (images - mean[:, 1:7, 1:6]), rtol=1e-6)
    with pytest.raises(NetdefError, match=r"the mean image is \(3, 4, 4\), but the input `data`"):
        netdef.export_onnx(
            netdef.loads(NET), path, preprocessing=Preprocessing(np.zeros((3, 4, 4), np.float32))
        )


def test_a_mean_image_keeps_the_size(tmp_path: Path) -> None:
    by = Preprocessing(np.zeros((3, 6, 5), np.float32))
    net = netdef.loads(NET)
    result = netdef.export_onnx(net, tmp_path / "n.onnx", preprocessing=by, dynamic_size=True)
    assert result.inputs == {"data": ("N", 3, 6, 5)}
    assert "the mean is an image of that size" in str(NetdefError(result.warnings))


def test_what_does_not_fit(tmp_path: Path) -> None:
    gray = netdef.loads(NET.replace("dim: 3", "dim: 1"))
    for by, text in (
        (Preprocessing(rgb=True), "RGB images have 3 channels, but the input `data` has 1"),
        (Preprocessing(MEAN), "3 mean values for the 1 channels of `data`"),
    ):
        with pytest.raises(NetdefError, match=text):
            netdef.export_onnx(gray, tmp_path / "net.onnx", preprocessing=by)
    flat = netdef.loads(NET.replace("dim: 6 dim: 5", ""))
    with pytest.raises(NetdefError, match="no input holds images"):
        netdef.export_onnx(flat, tmp_path / "net.onnx", preprocessing=Preprocessing(scale=2))
    assert not list(tmp_path.iterdir())


def test_what_a_data_layer_says(tmp_path: Path) -> None:
    """Values, a mean image beside the net; a missing one is an error only when it is asked for."""
    found = preprocessing_of(netdef.loads(TRAINED))
    assert found is not None
    assert found.scale == 0.5
    np.testing.assert_array_equal(found.mean, MEAN)
    assert preprocessing_of(netdef.loads(NET)) is None

    text = TRAINED.replace("mean_value: 10 mean_value: 20 mean_value: 30", 'mean_file: "m"')
    with pytest.raises(NetdefError, match="the mean image m is not there"):
        preprocessing_of(netdef.loads(text))
    assert preprocessing_of(netdef.loads(text), with_mean=False) == Preprocessing(scale=0.5)
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    write_binaryproto(tmp_path / "m", np.ones((3, 6, 6)))
    found = preprocessing_of(netdef.load(path))
    assert found is not None
    assert found.mean.shape == (3, 6, 6)


def test_it_is_noted_when_it_is_not_included(tmp_path: Path) -> None:
    """A reader of the file should know what the net expects."""
    net = netdef.loads(TRAINED, shapes={"data": (2, 3, 5, 5)})
    netdef.export_onnx(net, tmp_path / "net.onnx")
    said = {e.key: e.value for e in onnx.load(tmp_path / "net.onnx").metadata_props}
    assert (said["preprocessing"], said["scale"]) == ("expected", "0.5")
    assert json.loads(said["mean"]) == [10, 20, 30]


def test_means_as_an_option(tmp_path: Path) -> None:
    """Numbers, .binaryproto, .npy; anything else is refused by name."""
    np.testing.assert_array_equal(read_mean_option("10,20,30"), MEAN)
    assert read_mean_option("7").shape == (1, 1, 1)
    image = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)
    np.save(tmp_path / "mean.npy", image)
    write_binaryproto(tmp_path / "mean.binaryproto", image)
    for name in ("mean.npy", "mean.binaryproto"):
        np.testing.assert_array_equal(read_mean_option(str(tmp_path / name)), image)
    np.save(tmp_path / "values.npy", MEAN.ravel())
    assert read_mean_option(str(tmp_path / "values.npy")).shape == (3, 1, 1)
    (tmp_path / "bad.npy").write_bytes(b"no array")
    np.save(tmp_path / "plane.npy", image[0])
    for name in ("bad.npy", "plane.npy", "missing.npy", "missing.binaryproto"):
        with pytest.raises(NetdefError, match=name):
            read_mean_option(str(tmp_path / name))
    with pytest.raises(NetdefError, match="the mean nan is no number"):
        read_mean_option("nan")
