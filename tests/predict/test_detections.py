"""Detections: rows of seven values, boxes in pixels, pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import netdef
from netdef.predict.detections import detections
from netdef.predict.drawing import draw_detections, drawn_path
from netdef.predict.kinds import is_detections, is_scores, output_of
from netdef.predict.preparation import Picture

ROWS = np.array(
    [
        [0, 2, 0.6, 0.1, 0.2, 0.5, 0.9],
        [0, 1, 0.9, -0.2, 0.0, 0.5, 1.5],
        [1, 1, 0.3, 0.0, 0.0, 1.0, 1.0],
        [1, -1, -1, -1, -1, -1, -1],
    ],
    np.float32,
)[None, None]


def picture(window: tuple[int, int, int, int] = (0, 0, 30, 30)) -> Picture:
    """A file of 60 x 120 pixels, resized to 30 x 30."""
    return Picture(Path("x.png"), (60, 120), np.zeros((3, 30, 30), np.uint8), window)


def test_boxes() -> None:
    """Best first, in pixels of the file, cut to it; below the threshold nothing."""
    first, second = detections(ROWS, [picture(), picture()], {1: "cat"}, 0.5)
    assert [(d.number, d.label, round(d.score, 3)) for d in first] == [
        (1, "cat", 0.9),
        (2, "", 0.6),
    ]
    np.testing.assert_allclose(first[0].box, (0, 0, 60, 60), rtol=1e-6)
    np.testing.assert_allclose(first[1].box, (12, 12, 60, 54), rtol=1e-6)
    assert second == []
    assert len(detections(ROWS, [picture(), picture()], {}, 0.0)[1]) == 1


def test_boxes_of_a_crop() -> None:
    """Corners are shares of what the net saw, a part of the image."""
    rows = np.array([[[[0, 1, 1, 0, 0, 1, 1]]]], np.float32)
    ((one,),) = detections(rows, [picture((10, 5, 20, 10))], {}, 0.5)
    assert one.box == (20, 20, 60, 60)


def test_kinds() -> None:
    """Told by the shapes."""
    scores, more = np.zeros((2, 5)), np.zeros((2, 5, 1, 1))
    maps = np.zeros((2, 5, 3, 3))
    assert is_scores(scores) and is_scores(more) and not is_scores(maps)
    assert is_detections(ROWS) and not is_scores(ROWS) and not is_detections(maps)
    assert output_of({"boxes": ROWS, "more": more}, None, False) == "boxes"
    assert output_of({"loss": scores, "prob": more}, None, False) == "prob"
    assert output_of({"a": scores, "b": more}, "b", False) == "b"
    for values, drawing in (
        ({"a": scores, "b": more}, False),
        ({"a": scores}, True),
        ({"a": maps}, False),
    ):
        with pytest.raises(netdef.NetdefError) as caught:
            output_of(values, None, drawing)
        assert caught.value.diagnostics[0].rule == "no-prediction"


def test_picture(tmp_path: Path) -> None:
    """The box is drawn where it is, the rest of the image stays."""
    source = tmp_path / "x.png"
    Image.new("RGB", (120, 60), "white").save(source)
    found = detections(ROWS, [picture()], {1: "cat", 2: "dog"}, 0.65)[0]
    draw_detections(source, found, tmp_path / "drawn.png")
    pixels = np.asarray(Image.open(tmp_path / "drawn.png"))
    assert pixels.shape == (60, 120, 3)
    assert (pixels[:, 61:] == 255).all()
    assert (pixels[59, :60] == pixels[30, 0]).all() and pixels[30, 0].tolist() != [255, 255, 255]
    assert (pixels[40:55, 10:50] == 255).all()


def test_names_of_pictures() -> None:
    """Images of one name in several folders do not take each other's place."""
    taken: set[Path] = set()
    paths = [drawn_path(Path("out"), Path(f"{f}/x.jpg"), taken) for f in "abc"]
    assert [str(path) for path in paths] == ["out/x.png", "out/x-2.png", "out/x-3.png"]
