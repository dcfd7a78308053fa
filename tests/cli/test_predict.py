"""`netdef predict` as a user runs it."""

import csv
import json
from pathlib import Path

import h5py
import lmdb
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import netdef
from netdef.cli import main
from netdef.schema import pb

LENET = Path(__file__).parents[2] / "models" / "lenet"
DEPLOY, TRAIN = str(LENET / "deploy.prototxt"), str(LENET / "train_val.prototxt")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with weights for LeNet and three images of its size."""
    torch.manual_seed(0)
    exe = netdef.compile(netdef.load(TRAIN, phase="TRAIN", shapes=SHAPES), device="cpu")
    exe.save_weights(tmp_path / "w.caffemodel")
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for name in "abc":
        values = rng.integers(0, 256, (28, 28)).astype(np.uint8)
        Image.fromarray(values).save(tmp_path / "images" / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


SHAPES = {"data": (64, 1, 28, 28), "label": (64,)}


def run(*arguments: str, code: int = 0) -> str:
    """Run the command in this process and return what it prints."""
    result = CliRunner().invoke(main, ["predict", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


def plain(blob: str = "prob", size: int = 28) -> np.ndarray:
    """The same by a plain computation: pixels / 256 into the deploy net."""
    images = [np.asarray(Image.open(f"images/{name}.png")) for name in "abc"]
    values = np.stack(images)[:, None].astype("f4") / 256
    exe = netdef.compile(netdef.load(DEPLOY), "w.caffemodel", device="cpu")
    return exe.run({"data": values}, [blob])[blob].detach().numpy()


@pytest.mark.parametrize("model", [DEPLOY, TRAIN])
def test_classes(folder: Path, model: str) -> None:
    """Scale from the train net beside it, or in it; exactly the plain numbers, best first."""
    shape = ["--shape", "data=1,1,28,28"] if model == TRAIN else []
    text = run(model, "--weights", "w.caffemodel", "images", "--json", "--top", "3", *shape)
    answers = json.loads(text)
    assert [Path(a["image"]).name for a in answers] == ["a.png", "b.png", "c.png"]
    for answer, scores in zip(answers, plain(), strict=True):
        order = np.argsort(-scores)[:3]
        assert [p["class"] for p in answer["predictions"]] == order.tolist()
        assert [p["score"] for p in answer["predictions"]] == [float(s) for s in scores[order]]


@pytest.mark.parametrize("engine", ["auto", "optimized", "onnxruntime"])
def test_engines(folder: Path, engine: str) -> None:
    """The same answers up to rounding; blobs inside, too."""
    options = (DEPLOY, "--weights", "w.caffemodel", "images", "--engine", engine)
    answers = json.loads(run(*options, "--json", "--top", "10", "--batch", "2"))
    for answer, scores in zip(answers, plain(), strict=True):
        found = {p["class"]: p["score"] for p in answer["predictions"]}
        np.testing.assert_allclose([found[k] for k in range(10)], scores, rtol=0, atol=1e-6)
    run(*options, "--blob", "ip1", "-o", f"{engine}.npz")
    expected = plain("ip1")
    gap = np.abs(np.load(f"{engine}.npz")["ip1"] - expected).max()
    assert gap <= 1e-5 * np.abs(expected).max()
    if engine == "onnxruntime":
        assert "runs on the CPU" in run(*options, "--device", "cuda", code=2)


def test_batches_and_csv(folder: Path) -> None:
    """Batches do not change the numbers; CSV has a row for every class shown."""
    (folder / "labels.txt").write_text("".join(f"digit {i}\n" for i in range(10)))
    text = run(DEPLOY, "--weights", "w.caffemodel", "images", "--csv", "--batch", "2",
               "--top", "10", "--labels", "labels.txt")  # fmt: skip
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 30
    best = [row for row in rows if row["rank"] == "1"]
    expected = plain()
    assert [row["label"] for row in best] == [f"digit {s.argmax()}" for s in expected]
    found = np.array([float(row["score"]) for row in best])
    np.testing.assert_allclose(found, expected.max(1), rtol=1e-5)


def test_plain_text(folder: Path) -> None:
    """Not on a terminal: the image, then a line per class."""
    lines = run(DEPLOY, "--weights", "w.caffemodel", "images/a.png", "--top", "2").splitlines()
    order = np.argsort(-plain()[0])
    assert lines[0] == "images/a.png"
    assert [line.split()[1] for line in lines[1:]] == [str(k) for k in order[:2]]


def test_oversample(folder: Path) -> None:
    """The mean of the scores of ten crops."""
    image = Image.open("images/a.png")
    image.resize((32, 32), Image.Resampling.NEAREST).save("large.png")
    pixels = np.asarray(Image.open("large.png"))[None].astype("f4") / 256
    crops = [pixels[:, r : r + 28, c : c + 28] for r, c in [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]]
    crops += [crop[:, :, ::-1] for crop in crops]
    exe = netdef.compile(netdef.load(DEPLOY), "w.caffemodel", device="cpu")
    scores = exe({"data": np.stack(crops)})["prob"].detach().numpy().mean(0)
    text = run(DEPLOY, "--weights", "w.caffemodel", "large.png", "--json", "--top", "10",
               "--oversample", "--resize", "32")  # fmt: skip
    (answer,) = json.loads(text)
    found = {p["class"]: p["score"] for p in answer["predictions"]}
    assert [found[k] for k in range(10)] == [float(s) for s in scores]


def test_features(folder: Path) -> None:
    """The values of blobs, as HDF5, npz, and Datums with float_data as extract_features writes."""
    common = [DEPLOY, "--weights", "w.caffemodel", "images", "--batch", "2"]
    run(*common, "--blob", "ip1", "--blob", "pool2", "-o", "f.h5")
    run(*common, "--blob", "ip1", "--blob", "pool2", "-o", "f.npz")
    with h5py.File("f.h5") as file, np.load("f.npz") as arrays:
        for blob in ("ip1", "pool2"):
            np.testing.assert_allclose(file[blob][()], plain(blob), rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(file[blob][()], arrays[blob])
        assert list(arrays["names"]) == [f"images/{name}.png" for name in "abc"]
        assert list(file["names"].asstr()) == list(arrays["names"])
        expected = arrays["pool2"]
    assert "pool2: 50 x 4 x 4 each" in run(*common, "--blob", "pool2", "-o", "feats")
    with lmdb.open("feats", readonly=True, lock=False) as env, env.begin() as transaction:
        records = list(transaction.cursor())
    assert [key for key, _ in records] == [b"0000000000", b"0000000001", b"0000000002"]
    for (_, value), row in zip(records, expected, strict=True):
        datum = pb.Datum.FromString(value)
        assert (datum.channels, datum.height, datum.width) == (50, 4, 4)
        np.testing.assert_array_equal(np.array(datum.float_data, "f4"), row.ravel())


def test_arrays_in_place_of_images(folder: Path) -> None:
    """`--input` gives what is no image; a row is an answer."""
    np.save("x.npy", np.random.default_rng(1).random((2, 1, 28, 28)))
    text = run(DEPLOY, "--weights", "w.caffemodel", "--input", "data=x.npy", "--json")
    exe = netdef.compile(netdef.load(DEPLOY), "w.caffemodel", device="cpu")
    scores = exe({"data": np.load("x.npy")})["prob"]
    best = [answer["predictions"][0]["class"] for answer in json.loads(text)]
    assert best == scores.argmax(1).tolist()


SSD = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: "loc" type: "Input" top: "loc" input_param { shape { dim: [1, 8] } } }
layer { name: "conf" type: "Input" top: "conf" input_param { shape { dim: [1, 4] } } }
layer { name: "pri" type: "Input" top: "pri" input_param { shape { dim: [1, 2, 8] } } }
layer { name: "z" type: "Silence" bottom: "data" }
layer {
  name: "out" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "pri" top: "out"
  detection_output_param { num_classes: 2 }
}
"""


def test_detections(folder: Path) -> None:
    """Boxes as JSON and drawn."""
    (folder / "ssd.prototxt").write_text(SSD)
    net = netdef.load("ssd.prototxt")
    netdef.compile(net, device="cpu").save_weights("ssd.caffemodel")
    Image.new("RGB", (80, 40), "white").save("photo.png")
    np.save("loc.npy", np.zeros((1, 8)))
    np.save("conf.npy", np.array([[0.1, 0.9, 0.8, 0.2]]))
    boxes = [0.25, 0.25, 0.5, 0.75, 0, 0, 1, 1]
    np.save("pri.npy", np.array([boxes, [0.1] * 8]).reshape(1, 2, 8))
    inputs = [x for name in ("loc", "conf", "pri") for x in ("--input", f"{name}={name}.npy")]
    text = run("ssd.prototxt", "--weights", "ssd.caffemodel", "photo.png", *inputs, "--json",
               "--draw", "drawn", "--threshold", "0.5")  # fmt: skip
    (answer,) = json.loads(text)
    (found,) = answer["detections"]
    assert found["class"] == 1 and found["score"] == pytest.approx(0.9)
    assert [found[k] for k in ("left", "top", "right", "bottom")] == pytest.approx([20, 10, 40, 30])
    pixels = np.asarray(Image.open("drawn/photo.png"))
    assert (pixels[27, 20] != 255).any() and (pixels[27, 30] == 255).all()
    plain_text = run("ssd.prototxt", "--weights", "ssd.caffemodel", "photo.png", *inputs)
    assert "0.9000  1  box 20.0 10.0 40.0 30.0" in plain_text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["images/z.png"], 1, "images/z.png is not there"),
        ([], 2, "name images or folders"),
        (["images", "--blob", "ip1"], 2, "give both"),
        (["images", "--blob", "ip9", "-o", "f.npz"], 1, "no blob `ip9`"),
        (["images", "--blob", "ip1", "-o", "f.txt"], 1, "known are .h5, .npz"),
        (["images", "--blob", "ip1", "--blob", "ip2", "-o", "f"], 1, "the values of one blob"),
        (["images", "--draw", "out"], 1, "no output of this net holds detections"),
        (["images", "--output", "ip2"], 1, "`ip2` is no output"),
        (["images", "--oversample"], 1, "ten crops of 28 x 28"),
        (["images", "--mean", "1,2"], 1, "2 mean values for 1 channels"),
        (["images", "--mean", "no.binaryproto"], 1, "error[missing-file]"),
        (["images", "--train-net", "no.prototxt"], 1, "error[missing-file]"),
        (["images", "--crop", "no"], 2, "not of the form 224x224"),
        (["images", "--crop", "20"], 1, "weight"),
        (["--input", "data=no.npy"], 1, "cannot read no.npy"),
        (["--input", "data"], 2, "not of the form data=values.npy"),
    ],
)
def test_faults(folder: Path, arguments: list[str], code: int, message: str) -> None:
    """Each says what is wrong; nothing is left behind."""
    assert message in run(DEPLOY, "--weights", "w.caffemodel", *arguments, code=code)
    assert sorted(path.name for path in folder.iterdir()) == ["images", "w.caffemodel"]
