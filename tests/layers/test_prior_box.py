"""PriorBox: what the recordings do not cover."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError

INPUTS = "".join(
    f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {dims} }} }} }}\n'
    for name, dims in (("x", "dim: [1, 4, 2, 3]"), ("data", "dim: [1, 3, 40, 90]"))
)


def text(fields: str) -> str:
    bottoms = 'bottom: "x" bottom: "data"'
    layer = f'name: "t" type: "PriorBox" {bottoms} top: "y" prior_box_param {{ {fields} }}'
    return f"{INPUTS}layer {{ {layer} }}\n"


def run(fields: str, **sizes: tuple[int, ...]) -> np.ndarray:
    net = netdef.loads(text(fields))
    shapes = {"x": (1, 4, 2, 3), "data": (1, 3, 40, 90)} | sizes
    feed = {name: torch.zeros(shape) for name, shape in shapes.items()}
    return netdef.compile(net, device="cpu")(feed)["y"].numpy()


def test_boxes_of_a_cell():
    """Sizes are whole pixels, the ratios follow, and one that is there already is skipped."""
    fields = "min_size: 10.9 max_size: 20.9 aspect_ratio: 4 aspect_ratio: 0.25 aspect_ratio: 1"
    boxes = run(fields)[0, 0].reshape(2, 3, 4, 4)
    x, y = 0.5 * 30, 0.5 * 20
    root = (10 * 20) ** 0.5
    for box, (w, h) in zip(boxes[0, 0], [(10, 10), (root, root), (20, 5), (5, 20)], strict=True):
        expected = [(x - w / 2) / 90, (y - h / 2) / 40, (x + w / 2) / 90, (y + h / 2) / 40]
        np.testing.assert_allclose(box, expected, rtol=1e-6)
    np.testing.assert_allclose(boxes[1, 2] - boxes[0, 0], [[60 / 90, 20 / 40] * 2] * 4, rtol=1e-5)


def test_clip_leaves_the_variances_alone():
    top = run("min_size: 100 clip: true variance: 2")
    assert top[0, 0].min() == 0
    assert top[0, 0].max() == 1
    assert set(top[0, 1]) == {2}


def test_sizes_come_from_the_inputs():
    whole = run("min_size: 10", x=(5, 4, 4, 6), data=(5, 3, 80, 180))
    assert whole.shape == (1, 2, 4 * 24)
    fixed = run("min_size: 10 img_h: 40 img_w: 90 step_h: 20 step_w: 30")
    np.testing.assert_array_equal(fixed, run("min_size: 10"))
    np.testing.assert_array_equal(
        run("min_size: 10 img_size: 40 step: 7"),
        run("min_size: 10 img_h: 40 img_w: 40 step_h: 7 step_w: 7"),
    )


def test_half_precision_keeps_the_boxes_whole():
    module = netdef.compile(netdef.loads(text("min_size: 10")), device="cpu").bfloat16()
    feed = {"x": torch.zeros(1, 4, 2, 3), "data": torch.zeros(1, 3, 40, 90)}
    top = module({name: values.bfloat16() for name, values in feed.items()})["y"]
    np.testing.assert_array_equal(top.float().numpy(), run("min_size: 10"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("", "needs `min_size`"),
        ("min_size: 0.5", "`min_size` must be at least 1 pixel"),
        ("min_size: 9 max_size: 9", "`max_size` must be above its `min_size` 9, not 9"),
        ("min_size: 9 min_size: 8 max_size: 10", "`max_size` is given 1 times for 2 `min_size`"),
        ("min_size: 9 aspect_ratio: -2", "`aspect_ratio` must be above 0, not -2"),
        ("min_size: 9 variance: 1 variance: 1", "`variance` is given 2 times"),
        ("min_size: 9 variance: 0", "`variance` must be above 0, not 0"),
        ("min_size: 9 img_h: 9", "`img_h` is given, but `img_w` is missing"),
        ("min_size: 9 img_h: 9 img_w: 9 img_size: 9", "give `img_size` or `img_h` and `img_w`"),
        ("min_size: 9 step: 0", "`step` must be above 0, not 0"),
    ],
)
def test_faults(fields: str, message: str):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(text(fields))
    assert [message in d.message for d in caught.value.diagnostics] == [True]
