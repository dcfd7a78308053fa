"""`netdef explain` as a user runs it."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from netdef.cli import main

DEPLOY = str(Path(__file__).parents[2] / "models" / "lenet" / "deploy.prototxt")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two images of LeNet's size."""
    rng = np.random.default_rng(0)
    for name in "ab":
        values = rng.integers(0, 256, (28, 28)).astype(np.uint8)
        Image.fromarray(values).save(tmp_path / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    """Run the command in this process and return what it prints."""
    result = CliRunner().invoke(main, ["explain", DEPLOY, *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_every_picture(folder: Path) -> None:
    """One PNG per image and method, each an image that can be opened."""
    text = run("a.png", "-o", "out", "--class", "3", "--saliency", "--guided",
               "--grad-cam", "conv2", "--occlusion", "--patch", "14", "--stride", "7",
               "--unit", "conv1:2,3", "--invert", "pool2", "--steps", "2", "--style", "b.png",
               "--content-blob", "pool2", "--style-blob", "conv1")  # fmt: skip
    ends = {"saliency", "guided", "grad-cam", "occlusion", "unit-conv1-2,3", "inverted", "style"}
    assert {path.name for path in Path("out").iterdir()} == {f"a-{end}.png" for end in ends}
    assert "conv1:2,3 sees rows 2 to 6, columns 3 to 7" in text
    assert "saliency: class 3 of ip2" in text
    for path in Path("out").iterdir():
        with Image.open(path) as picture:
            assert min(picture.size) > 200


def test_without_a_method(folder: Path) -> None:
    """Saliency and Grad-CAM of the last maps, of every image."""
    run("a.png", "b.png", "-o", "one", "--class", "0")
    assert sorted(p.name for p in Path("one").iterdir()) == [
        "a-grad-cam.png", "a-saliency.png", "b-grad-cam.png", "b-saliency.png",
    ]  # fmt: skip


def test_receptive_fields(folder: Path) -> None:
    """A table; no image is needed."""
    lines = run("--receptive-fields").splitlines()
    assert lines == [
        "blob   sees     every  from",
        "conv1  5 x 5    1 x 1  0 x 0",
        "pool1  6 x 6    2 x 2  0 x 0",
        "conv2  14 x 14  2 x 2  0 x 0",
        "pool2  16 x 16  4 x 4  0 x 0",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "name an image"),
        (["a.png", "--class", "10"], 1, "classes 0 to 9, not 10"),
        (["a.png", "--grad-cam", "ip1"], 1, "no rows and columns"),
        (["a.png", "--occlusion", "--patch", "29"], 1, "does not fit into an image of 28 x 28"),
        (["a.png", "--unit", "conv1:24,0"], 1, "a unit is --unit conv1:0,0"),
        (["a.png", "--unit", "conv1:x"], 2, "not of the form conv3:5,7"),
        (["a.png", "--scores", "conv1"], 1, "choose a blob with --scores"),
        (["a.png", "--invert", "conv9"], 1, "no blob `conv9`"),
        (["a.png", "--style", "b.png"], 2, "--style needs"),
        (["a.png", "-o", "a.png"], 1, "cannot make the folder a.png"),
        (["c.png"], 1, "c.png is not there"),
    ],
)
def test_faults(folder: Path, arguments: list[str], code: int, message: str) -> None:
    """Each says what is wrong."""
    assert message in run(*arguments, code=code)
