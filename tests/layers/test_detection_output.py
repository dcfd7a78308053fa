"""DetectionOutput against its definition, box by box."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

import netdef
from netdef.source import NetdefError

IMAGES, PRIORS, CLASSES = 3, 40, 4
EMPTY = [-1.0] * 6


def text(fields: str, own: bool = False, classes: int = CLASSES) -> str:
    """A net with one layer of the type; with `own`, every class has boxes of its own."""
    shapes = {
        "loc": (IMAGES, 4 * PRIORS * (classes if own else 1)),
        "conf": (IMAGES, PRIORS * classes),
        "prior": (1, 2, 4 * PRIORS),
    }
    lines = [
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ dim: {list(shape)} }} }} }}"
        for name, shape in shapes.items()
    ]
    share = "share_location: false" if own else ""
    lines.append(
        'layer { name: "t" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior" '
        f'top: "y" detection_output_param {{ num_classes: {classes} {share}\n{fields} }} }}'
    )
    return "\n".join(lines) + "\n"


def inputs(own: bool, seed: int = 0) -> dict[str, np.ndarray]:
    """Boxes that overlap, and scores among which many are equal."""
    draw = np.random.default_rng(seed)
    corner = draw.uniform(0, 0.6, (PRIORS, 2))
    priors = np.concatenate([corner, corner + draw.uniform(0.1, 0.4, (PRIORS, 2))], 1)
    variances = np.tile([0.1, 0.1, 0.2, 0.2], PRIORS)
    feed = {
        "loc": draw.standard_normal((IMAGES, 4 * PRIORS * (CLASSES if own else 1))),
        "conf": draw.integers(0, 20, (IMAGES, PRIORS * CLASSES)) / 20,
        "prior": np.stack([priors.ravel(), variances])[None],
    }
    return {name: values.astype(np.float32) for name, values in feed.items()}


def decode(prior: np.ndarray, v: np.ndarray, d: np.ndarray, code: str) -> list[float]:
    size = prior[2:] - prior[:2]
    if code == "CORNER":
        return list(prior + v * d)
    if code == "CORNER_SIZE":
        return list(prior + v * d * np.tile(size, 2))
    center = (prior[:2] + prior[2:]) / 2 + v[:2] * d[:2] * size
    half = np.exp(v[2:] * d[2:]) * size / 2
    return [*(center - half), *(center + half)]


def overlap(a: list[float], b: list[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def suppressed(scores: list[float], boxes: list[list[float]], o: dict[str, float]) -> list[int]:
    """The boxes of one class that stay, the best first."""
    order = sorted((i for i, s in enumerate(scores) if s > o["least"]), key=lambda i: -scores[i])
    order = order[: int(o["top_k"])]
    kept: list[int] = []
    threshold = o["threshold"]
    for i in order:
        if all(overlap(boxes[i], boxes[k]) <= threshold for k in kept):
            kept.append(i)
            if o["eta"] < 1 and threshold > 0.5:
                threshold *= o["eta"]
    return kept


def definition(
    feed: dict[str, np.ndarray], own: bool, code: str, background: int, o: dict[str, float]
) -> np.ndarray:
    priors, variances = feed["prior"].astype(np.float64).reshape(2, PRIORS, 4)
    if o.get("in_target"):
        variances = np.ones_like(variances)
    offsets = feed["loc"].astype(np.float64).reshape(IMAGES, PRIORS, -1, 4)
    scores = feed["conf"].astype(np.float64).reshape(IMAGES, PRIORS, CLASSES)
    rows: list[list[float]] = []
    for image in range(IMAGES):
        found: list[tuple[float, int, int, list[float]]] = []
        for label in range(CLASSES):
            if label == background:
                continue
            boxes = [
                decode(priors[p], variances[p], offsets[image, p, label if own else 0], code)
                for p in range(PRIORS)
            ]
            of_class = list(scores[image, :, label])
            for rank, i in enumerate(suppressed(of_class, boxes, o)):
                found.append((of_class[i], label, rank, boxes[i]))
        found = sorted(found, key=lambda f: (-f[0], f[1], f[2]))[: int(o["keep"])]
        found.sort(key=lambda f: (f[1], f[2]))
        rows += [[image, label, score, *box] for score, label, _, box in found]
    return np.array(rows or [[i, *EMPTY] for i in range(IMAGES)])[None, None]


ALL = 10**9
FORMS = {
    "corner": ("", False, "CORNER", 0, {}),
    "center": (
        "code_type: CENTER_SIZE keep_top_k: 7 confidence_threshold: 0.3\n"
        "nms_param { nms_threshold: 0.45 top_k: 9 }",
        *(
            False,
            "CENTER_SIZE",
            0,
            {"keep": 7, "least": np.float32(0.3), "threshold": 0.45, "top_k": 9},
        ),
    ),
    "own": (
        "code_type: CORNER_SIZE background_label_id: 2 keep_top_k: 11",
        *(True, "CORNER_SIZE", 2, {"keep": 11}),
    ),
    "target": (
        "code_type: CENTER_SIZE background_label_id: -1 variance_encoded_in_target: true\n"
        "nms_param { top_k: 5 }",
        *(True, "CENTER_SIZE", -1, {"top_k": 5, "in_target": 1}),
    ),
    "eta": (
        "code_type: CENTER_SIZE nms_param { nms_threshold: 0.9 eta: 0.8 }",
        *(False, "CENTER_SIZE", 0, {"threshold": 0.9, "eta": 0.8}),
    ),
    "none": ("confidence_threshold: 1", False, "CORNER", 0, {"least": 1}),
}


@pytest.mark.parametrize("form", FORMS)
def test_definition_and_onnx(form: str, tmp_path: Path):
    fields, own, code, background, given = FORMS[form]
    options = {"least": -1, "top_k": ALL, "keep": ALL, "threshold": 0.3, "eta": 1} | given
    net = netdef.loads(text(fields, own))
    exe = netdef.compile(net, device="cpu")
    session = None
    if "eta" not in given:
        netdef.export_onnx(net, tmp_path / "net.onnx")
        session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    for seed in range(3):
        feed = inputs(own, seed)
        rows = exe(feed)["y"].numpy()
        expected = definition(feed, own, code, background, options)
        assert rows.shape == expected.shape
        np.testing.assert_allclose(rows, expected, rtol=1e-5, atol=1e-5)
        if session is not None:
            (by_onnx,) = session.run(None, feed)
            assert by_onnx.shape == rows.shape
            np.testing.assert_allclose(by_onnx, rows, rtol=1e-5, atol=1e-6)


def test_nan_is_no_detection():
    feed = inputs(own=False)
    feed["conf"][:] = np.nan
    exe = netdef.compile(netdef.loads(text("")), device="cpu")
    assert exe(feed)["y"].numpy().tolist() == [[[[i, *EMPTY] for i in range(IMAGES)]]]


def test_fields_without_effect_are_warned_of():
    net = netdef.loads(text('visualize: true save_output_param { output_directory: "x" }'))
    assert sorted(d.message for d in net.diagnostics) == [
        "`save_output_param` has no effect in this DetectionOutput",
        "`visualize` has no effect in this DetectionOutput",
    ]


def test_changing_thresholds_are_not_for_onnx(tmp_path: Path):
    net = netdef.loads(text("nms_param { eta: 0.9 }"))
    with pytest.raises(NetdefError, match="which NonMaxSuppression cannot do"):
        netdef.export_onnx(net, tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("fields", "classes", "message"),
    [
        ("background_label_id: 4", 4, "`background_label_id` is 4, but there are 4 classes"),
        ("", 1, "the only class is the background"),
        ("nms_param { nms_threshold: -1 }", 4, "`nms_threshold` must be at least 0, not -1"),
        ("nms_param { eta: 1.5 }", 4, "`eta` must be above 0 and at most 1, not 1.5"),
        ("nms_param { top_k: 0 }", 4, "`top_k` must be at least 1, or -1 for all, not 0"),
        ("keep_top_k: -2", 4, "`keep_top_k` must be at least 1, or -1 for all, not -2"),
        ("share_location: false", 4, "40 prior boxes need 640 offsets, but there are 160"),
    ],
)
def test_faults(fields: str, classes: int, message: str):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(text(fields, classes=classes))
    assert [message in d.message for d in caught.value.diagnostics] == [True]


def test_half_precision_does_not_move_boxes():
    feed = {name: torch.from_numpy(values) for name, values in inputs(own=False).items()}
    net = netdef.loads(text("code_type: CENTER_SIZE"))
    exe = netdef.compile(net, device="cpu", precision="bf16")
    rows = exe(feed)["y"]
    assert rows.dtype == torch.float32
    assert rows.shape[-1] == 7
