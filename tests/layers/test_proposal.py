"""Proposal and ProposalLayer against their definitions, region by region."""

from math import exp
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import netdef
from netdef.source import NetdefError

HEIGHT, WIDTH = 6, 8
SIZES = [(23, 12), (16, 16), (11, 22)]
"""Width and height of the published anchors, before they are scaled."""


def text(type: str, fields: str, anchors: int, info: int, tops: int) -> str:
    shapes = {
        "score": [1, 2 * anchors, HEIGHT, WIDTH],
        "offset": [1, 4 * anchors, HEIGHT, WIDTH],
        "info": [1, info],
    }
    lines = [
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ dim: {shape} }} }} }}"
        for name, shape in shapes.items()
    ]
    named = "".join(f' bottom: "{name}"' for name in shapes)
    named += "".join(f' top: "y{i}"' for i in range(tops))
    lines.append(f'layer {{ name: "t" type: "{type}" {named}\n{fields} }}')
    return "\n".join(lines) + "\n"


def inputs(anchors: int, info: list[float], seed: int) -> dict[str, np.ndarray]:
    """Offsets, and scores among which many are equal."""
    draw = np.random.default_rng(seed)
    feed = {
        "score": draw.integers(0, 50, (1, 2 * anchors, HEIGHT, WIDTH)) / 50,
        "offset": draw.standard_normal((1, 4 * anchors, HEIGHT, WIDTH)) * 0.4,
        "info": np.array([info]),
    }
    return {name: values.astype(np.float32) for name, values in feed.items()}


def overlap(a: list[float], b: list[float]) -> float:
    """Of regions whose last pixels belong to them."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def definition(
    feed: dict[str, np.ndarray],
    scales: list[float],
    stride: int,
    least: tuple[float, float],
    counts: tuple[int, int],
    threshold: float,
    removes: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Regions and scores; `least` is the smallest width and height in the image as it is."""
    rows, columns = feed["info"][0, :2]
    anchors = [(w * s, h * s) for w, h in SIZES for s in scales]
    regions: list[tuple[float, list[float]]] = []
    for i in range(HEIGHT):
        for j in range(WIDTH):
            for a, (w, h) in enumerate(anchors):
                dx, dy, dw, dh = feed["offset"][0, 4 * a : 4 * a + 4, i, j].astype(float)
                x1, y1 = j * stride + 7.5 - (w - 1) / 2, i * stride + 7.5 - (h - 1) / 2
                x, y = dx * w + x1 + w / 2, dy * h + y1 + h / 2
                w, h = exp(dw) * w, exp(dh) * h
                box = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
                box = [
                    float(max(0, min(edge, most - 1)))
                    for edge, most in zip(box, (columns, rows, columns, rows), strict=True)
                ]
                score = float(feed["score"][0, len(anchors) + a, i, j])
                large = box[2] - box[0] + 1 >= least[0] and box[3] - box[1] + 1 >= least[1]
                if large or not removes:
                    regions.append((score * large, box))
    regions.sort(key=lambda region: -region[0])
    kept: list[tuple[float, list[float]]] = []
    for score, box in regions[: counts[0]]:
        if len(kept) < counts[1] and all(overlap(box, k[1]) <= threshold for k in kept):
            kept.append((score, box))
    boxes = np.array([[0.0, *box] for _, box in kept]).reshape(-1, 5)
    return boxes, np.array([score for score, _ in kept])


def compare(net: str, feed: dict[str, np.ndarray], expected: list[np.ndarray], path: Path) -> None:
    typed = netdef.loads(net)
    exe = netdef.compile(typed, device="cpu")
    found = exe(feed)
    netdef.export_onnx(typed, path)
    by_onnx = onnxruntime.InferenceSession(path).run(list(found), feed)
    for values, also, wanted in zip(found.values(), by_onnx, expected, strict=True):
        assert values.shape == wanted.shape == also.shape
        np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(also, values, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("before", "after", "threshold"), [(6000, 300, 0.7), (40, 9, 0.3)])
def test_proposal(seed: int, before: int, after: int, threshold: float, tmp_path: Path):
    fields = (
        f"ratio: 0.5 ratio: 1 ratio: 2 scale: 1 scale: 3 pre_nms_topn: {before} "
        f"post_nms_topn: {after} nms_thresh: {threshold} min_size: 20"
    )
    net = text("Proposal", f"proposal_param {{ {fields} }}", 6, 4, 2)
    feed = inputs(6, [90, 120, 1.5, 1.25], seed)
    least = 20 * 1.25, 20 * 1.5
    wanted = definition(feed, [1, 3], 16, least, (before, after), threshold, removes=False)
    compare(net, feed, list(wanted), tmp_path / "net.onnx")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("least", [16, 30, 1000])
def test_proposal_layer(seed: int, least: int, tmp_path: Path):
    fields = (
        'python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" '
        "param_str: \"{'feat_stride': 12, 'scales': [1, 3]}\" }\n"
        f"proposal_param {{ min_size: {least} post_nms_topn: 20 }}"
    )
    feed = inputs(6, [80, 100, 1.5], seed)
    boxes, scores = definition(
        feed, [1, 3], 12, (least * 1.5, least * 1.5), (6000, 20), 0.7, removes=True
    )
    assert (len(boxes) == 0) == (least == 1000)
    net = text("Python", fields, 6, 3, 2)
    compare(net, feed, [boxes, scores[:, None]], tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("param_str", "anchors"),
    [
        ("'feat_stride': 16", 9),
        ("feat_stride: 16", 9),
        ("{'feat_stride': 16, 'scales': [4, 8]}", 6),
        ("'feat_stride': 16 \\n'scales': !!python/tuple [4, 8, 16, 32]", 12),
        ("{feat_stride: 16, scales: [0.5]}", 3),
    ],
)
def test_published_forms_of_param_str(param_str: str, anchors: int):
    layer = f'python_param {{ layer: "ProposalLayer" param_str: "{param_str}" }}'
    net = netdef.loads(text("Python", layer, anchors, 3, 1))
    assert net.layers[-1].type == "ProposalLayer"
    assert net.blobs["y0"].shape == (min(300, anchors * HEIGHT * WIDTH), 5)
    assert net.blobs["y0"].dynamic


@pytest.mark.parametrize(
    ("param_str", "message"),
    [
        ("", "`param_str` must give `feat_stride`"),
        ("16", "`param_str` must give `feat_stride`"),
        ("{'feat_stride': 16", "`param_str` is no YAML"),
        ("[" * 2000 + "]" * 2000, "`param_str` is no YAML"),
        ("feat_stride: much", "`feat_stride` in `param_str` must be a whole number"),
        ("feat_stride: 1.5", "`feat_stride` in `param_str` must be a whole number"),
        ("feat_stride: [16]", "`feat_stride` in `param_str` must be a whole number"),
        ("feat_stride: nan", "`feat_stride` in `param_str` must be a whole number"),
        ("{feat_stride: 16, scales: 8}", "`scales` in `param_str` must be a list of numbers"),
        ("{feat_stride: 16, scales: [8, -1]}", "`scales` in `param_str` must be a list of numbers"),
        ("{feat_stride: 16, scales: []}", "`scales` in `param_str` must be a list of numbers"),
        ("{feat_stride: 16, scales: [4]}", "3 anchors need (1, 6, 6, 8), not (1, 18, 6, 8)"),
        ("!!python/object/apply:os.system [ls]", "`param_str` must give `feat_stride`"),
    ],
)
def test_faults_of_param_str(param_str: str, message: str):
    layer = f'python_param {{ layer: "ProposalLayer" param_str: "{param_str}" }}'
    with pytest.raises(NetdefError) as caught:
        netdef.loads(text("Python", layer, 9, 3, 1))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message.startswith(message)


def test_fields_that_param_str_gives_are_warned_of():
    fields = 'python_param { layer: "ProposalLayer" param_str: "\'feat_stride\': 16" }'
    fields += "\nproposal_param { feat_stride: 8 scale: 4 }"
    net = netdef.loads(text("Python", fields, 9, 3, 1))
    assert [d.message for d in net.diagnostics] == [
        "`feat_stride` has no effect in a ProposalLayer",
        "`scale` has no effect in a ProposalLayer",
    ]


def test_other_python_layers_stay_what_they_are():
    net = text("Python", 'python_param { module: "m" layer: "AnchorTarget" }', 9, 3, 1)
    loaded = netdef.loads(net)
    assert loaded.layers[-1].type == "Python"
    net = text("Python", 'python_param { module: "m" layer: "Proposal" }', 9, 3, 1)
    assert netdef.loads(net).layers[-1].type == "Python"


@pytest.mark.parametrize(
    ("fields", "messages"),
    [
        ("", ["Proposal needs `ratio`", "Proposal needs `scale`"]),
        ("ratio: 0 ratio: 1 scale: inf", ["`ratio` must be above 0", "`scale` must be above 0"]),
        (
            "ratio: 1 scale: 1 pre_nms_topn: 0 post_nms_topn: 0 nms_thresh: -1 feat_stride: 0",
            [
                *("`feat_stride` must be at least 1", "`pre_nms_topn` must be at least 1"),
                *("`post_nms_topn` must be at least 1", "`nms_thresh` must be at least 0"),
            ],
        ),
        ("ratio: 1 scale: 1 scale: 2", ["2 anchors need (1, 4, 6, 8), not (1, 2, 6, 8)"]),
    ],
)
def test_faults(fields: str, messages: list[str]):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(text("Proposal", f"proposal_param {{ {fields} }}", 1, 4, 1))
    found = sorted(d.message for d in caught.value.diagnostics)
    assert len(found) == len(messages)
    for message, start in zip(found, sorted(messages), strict=True):
        assert message.startswith(start)


def test_one_image_at_a_time():
    net = text("Proposal", "proposal_param { ratio: 1 scale: 1 }", 1, 4, 1)
    with pytest.raises(NetdefError, match="takes the scores of one image"):
        netdef.loads(net.replace("[1, 2, 6, 8]", "[2, 2, 6, 8]"))
    with pytest.raises(NetdefError, match=r"must be \(1, 4\), not \(1, 3\)"):
        netdef.loads(net.replace("[1, 4]", "[1, 3]"))
