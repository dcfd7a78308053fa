"""Detections from scores, offsets and prior boxes."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Fixed,
    Instance,
    LayerType,
    Problem,
    Signature,
    count,
    ignored,
    layer,
)
from netdef.schema import pb

_LOWEST = -3.4028234663852886e38
"""-FLT_MAX: the score of what does not count."""
_FLOAT = 1
"""TensorProto.FLOAT."""

_PRIORS = Fixed(
    *(1, 2, 20),
    given=[
        *(0.1, 0.1, 0.4, 0.4, 0.15, 0.1, 0.45, 0.4, 0.5, 0.5, 0.9, 0.9),
        *(0.52, 0.5, 0.9, 0.85, 0.05, 0.6, 0.25, 0.95),
        *(0.1, 0.1, 0.2, 0.2) * 5,
    ],
)
_SCORES = [
    *(0.1, 0.7, 0.2, 0.3, 0.3, 0.4, 0.05, 0.6, 0.35, 0.2, 0.55, 0.25, 0.9, 0.04, 0.06),
    *(0.8, 0.15, 0.05, 0.5, 0.15, 0.35, 0.3, 0.3, 0.4, 0.7, 0.25, 0.05, 0.2, 0.1, 0.7),
]
_INS = (2, 20), Fixed(2, 15, given=_SCORES), _PRIORS
_APART = (2, 60), Fixed(2, 15, given=_SCORES), _PRIORS


@layer("DetectionOutput", param="detection_output_param", role="detection")
class DetectionOutput(LayerType):
    """Turn scores, offsets and prior boxes into detections.

    Bottoms: offsets (N, 4 P) for P prior boxes, or (N, 4 P C) with `share_location: false`, where
    each of the C = `num_classes` classes has boxes of its own; scores (N, P C), as a softmax gives
    them; and the prior boxes with their variances (1, 2, 4 P), as PriorBox makes them. The top is
    (1, 1, R, 7) with rows [image, label, score, x1, y1, x2, y2] in the units of the prior boxes,
    ordered by image, then class, then falling score. R depends on the data. Where nothing at all
    is found, there is a row [image, -1, -1, -1, -1, -1, -1] for each image.

    `code_type` says what offsets d of a prior box with variances v mean:

    - CORNER (the default): the corners are p + v d.
    - CENTER_SIZE: the centre is p + v d size, the size is size e^(v d).
    - CORNER_SIZE: the corners are p + v d size.

    With `variance_encoded_in_target` v is 1. The boxes are not cut to the image.

    For each image and class but `background_label_id` (0; -1 for none), the boxes with a score
    above `confidence_threshold` (unset: all) are taken, of these the `nms_param.top_k` of the
    highest scores (unset or -1: all). From the best on, a box goes whose intersection over union
    with one that stays is above `nms_param.nms_threshold` (0.3). With `nms_param.eta` below 1 that
    threshold is multiplied by it after every box that stays, as long as it is above 0.5. Of what is
    left in an image, the `keep_top_k` of the highest scores stay (-1: all). Equal scores stay in
    order.

    Easy to get wrong: the default of `code_type` is CORNER, but models are trained with
    CENTER_SIZE; the scores are probabilities, so a softmax must stand before. `save_output_param`,
    `visualize`, `visualize_threshold` and `save_file` have no effect: nothing is written or shown.

    Forks: a type of SSD (Liu et al., SSD: Single Shot MultiBox Detector, 2016).
    """

    bottoms = 3
    dynamic = True
    no_grad_bottoms = (0, 1, 2)
    examples = (
        Example("detection_output_param { num_classes: 3 }", _INS, [(1, 1, 20, 7)]),
        Example(
            "detection_output_param { num_classes: 3 code_type: CENTER_SIZE keep_top_k: 3 "
            "confidence_threshold: 0.1 nms_param { nms_threshold: 0.45 top_k: 4 } }",
            _INS,
            [(1, 1, 6, 7)],
        ),
        Example(
            "detection_output_param { num_classes: 3 code_type: CORNER_SIZE share_location: false "
            "background_label_id: 2 nms_param { top_k: 3 } }",
            _APART,
            [(1, 1, 12, 7)],
        ),
        Example(
            "detection_output_param { num_classes: 3 code_type: CENTER_SIZE share_location: false "
            "background_label_id: -1 variance_encoded_in_target: true keep_top_k: 100 }",
            _APART,
            [(1, 1, 30, 7)],
        ),
        Example(
            "detection_output_param { num_classes: 3 code_type: CENTER_SIZE "
            "nms_param { nms_threshold: 0.9 eta: 0.7 } }",
            _INS,
            [(1, 1, 20, 7)],
        ),
        Example(
            "detection_output_param { num_classes: 3 confidence_threshold: 0.95 keep_top_k: 2 }",
            _INS,
            [(1, 1, 4, 7)],
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """A row for every box that can be left; a row per image at least."""
        with n.collect():
            _check_classes(n)
            _check_suppression(n)
        priors = _priors(n)
        _check_shapes(n, priors)
        rows = len(_labels(n)) * _looked_at(n)
        if n.p.keep_top_k > 0:
            rows = min(rows, n.p.keep_top_k)
        return Signature([(1, 1, n.ins[0][0] * rows, 7)], warnings=_without_effect(n))

    def cost(self, n: Instance) -> Cost:
        """Eight per box for its decoding, and a comparison per score.

        The overlaps of boxes are not counted: how many are computed depends on the scores.
        """
        return Cost(other=2 * count(n.ins[0]) + count(n.ins[1]))

    def torch(self, n: Instance, t: Any) -> Any:
        p, nms = n.p, n.p.nms_param
        return t.ops.DetectionOutput(
            p.num_classes,
            p.background_label_id,
            p.share_location,
            _code(n),
            p.variance_encoded_in_target,
            confidence=_confidence(n),
            threshold=nms.nms_threshold,
            eta=nms.eta,
            top_k=nms.top_k if nms.HasField("top_k") else -1,
            keep_top_k=p.keep_top_k,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """NonMaxSuppression per class; TopK before it, after it, and to order the rows."""
        if n.p.nms_param.eta < 1:
            n.unsupported("its threshold changes with `eta`, which NonMaxSuppression cannot do")
        priors, classes = _priors(n), len(_labels(n))
        boxes = _boxes(n, g, ins)
        scores = g.op("Reshape", ins[1], g.constant([0, priors, n.p.num_classes]))
        scores = g.op("Transpose", scores, perm=[0, 2, 1])
        scores = g.op("Gather", scores, g.constant(_labels(n)), axis=1)
        counts = g.op("Greater", scores, g.constant(_confidence(n)))
        scores = g.op("Where", counts, scores, g.constant(_LOWEST))
        most = _looked_at(n)
        if most < priors:
            scores = _only_best(g, scores, most)
        scores = _suppressed(n, g, boxes, scores, most)
        if 0 < n.p.keep_top_k < classes * most:
            flat = g.op("Reshape", scores, g.constant([0, classes * priors]))
            flat = _only_best(g, flat, n.p.keep_top_k)
            scores = g.op("Reshape", flat, g.constant([-1, classes, priors]))
        return _rows(n, g, boxes, g.op("TopK", scores, g.constant([most]), outputs=2, axis=-1))


def _check_classes(n: Instance) -> None:
    classes, background = n.p.num_classes, n.p.background_label_id
    if classes < 1:
        rule = "bad-value" if n.p.HasField("num_classes") else "missing-field"
        n.fault("num_classes", "DetectionOutput needs `num_classes`, at least 1", rule)
    elif not -1 <= background < classes:
        text = f"`background_label_id` is {background}, but there are {classes} classes"
        n.fault("background_label_id", text, note="-1 is for none", because=("num_classes",))
    elif classes == 1 and background == 0:
        text = "the only class is the background, so there is nothing to detect"
        n.fault("num_classes", text, because=("background_label_id",))


def _check_suppression(n: Instance) -> None:
    nms = n.p.nms_param
    if not nms.nms_threshold >= 0:
        text = f"`nms_threshold` must be at least 0, not {nms.nms_threshold:g}"
        n.fault("nms_param.nms_threshold", text)
    if not 0 < nms.eta <= 1:
        n.fault("nms_param.eta", f"`eta` must be above 0 and at most 1, not {nms.eta:g}")
    for path, message in (("nms_param.top_k", nms), ("keep_top_k", n.p)):
        name = path.rpartition(".")[2]
        number = getattr(message, name)
        if message.HasField(name) and number != -1 and number < 1:
            n.fault(path, f"`{name}` must be at least 1, or -1 for all, not {number}")


def _check_shapes(n: Instance, priors: int) -> None:
    offsets, scores = n.ins[:2]
    fields = ("num_classes", "share_location")
    classes = n.p.num_classes
    with n.collect():
        per_prior = 4 if n.p.share_location else 4 * classes
        if not offsets or count(offsets, 1) != priors * per_prior:
            text = f"{priors} prior boxes need {priors * per_prior} offsets, but there are"
            text = f"{text} {count(offsets, 1)}"
            n.fault("bottom[0]", text, "shape-mismatch", because=fields)
        if not scores or count(scores, 1) != priors * classes:
            text = f"{priors} prior boxes and {classes} classes need {priors * classes} scores"
            text = f"{text}, but there are {count(scores, 1)}"
            n.fault("bottom[1]", text, "shape-mismatch", because=fields)
        if offsets and scores and offsets[0] != scores[0]:
            text = f"there are offsets for {offsets[0]} images and scores for {scores[0]}"
            n.fault("bottom[1]", text, "shape-mismatch")


def _priors(n: Instance) -> int:
    """Return the number of prior boxes."""
    shape = n.ins[2]
    numbers = count(shape, 2)
    if shape[:2] != (1, 2) or len(shape) < 3 or not numbers or numbers % 4:
        text = f"the prior boxes must be (1, 2, 4 P), boxes and variances, not {shape}"
        n.mismatch("bottom[2]", text)
    return numbers // 4


def _without_effect(n: Instance) -> list[Problem]:
    fields = ("save_output_param", "visualize", "visualize_threshold", "save_file")
    return ignored(n, *fields, reason="detections are not written or shown; the top has them")


def _labels(n: Instance) -> list[int]:
    return [c for c in range(n.p.num_classes) if c != n.p.background_label_id]


def _looked_at(n: Instance) -> int:
    """Return how many boxes of a class are looked at."""
    most, priors = n.p.nms_param.top_k, _priors(n)
    return min(most, priors) if most > 0 else priors


def _confidence(n: Instance) -> float:
    p = n.p
    return p.confidence_threshold if p.HasField("confidence_threshold") else _LOWEST


def _code(n: Instance) -> str:
    return pb.PriorBoxParameter.CodeType.Name(n.p.code_type)


def _boxes(n: Instance, g: Any, ins: Any) -> Any:
    """Return the decoded boxes (N, L, P, 4): of each class, or of all together with L = 1."""
    priors, own = _priors(n), 1 if n.p.share_location else n.p.num_classes
    table = g.op("Reshape", ins[2], g.constant([2, priors, 1, 4]))
    prior, variance = g.op("Split", table, outputs=2, axis=0)
    offset = g.op("Reshape", ins[0], g.constant([0, priors, own, 4]))
    if not n.p.variance_encoded_in_target:
        offset = g.op("Mul", offset, variance)
    low, high = g.op("Split", prior, outputs=2, axis=-1)
    size = g.op("Sub", high, low)
    if _code(n) == "CENTER_SIZE":
        two = g.constant(2.0)
        move, grow = g.op("Split", offset, outputs=2, axis=-1)
        center = g.op("Div", g.op("Add", low, high), two)
        center = g.op("Add", center, g.op("Mul", move, size))
        half = g.op("Div", g.op("Mul", g.op("Exp", grow), size), two)
        ends = g.op("Sub", center, half), g.op("Add", center, half)
        boxes = g.op("Concat", *ends, axis=-1)
    else:
        if _code(n) == "CORNER_SIZE":
            offset = g.op("Mul", offset, g.op("Concat", size, size, axis=-1))
        boxes = g.op("Add", prior, offset)
    boxes = g.op("Transpose", boxes, perm=[0, 2, 1, 3])
    return boxes if own == 1 else g.op("Gather", boxes, g.constant(_labels(n)), axis=1)


def _only_best(g: Any, scores: Any, most: int) -> Any:
    """Return scores with all but the best along the last axis put to the lowest."""
    values, places = g.op("TopK", scores, g.constant([most]), outputs=2, axis=-1)
    return g.op("ScatterElements", _none(g, scores), places, values, axis=-1)


def _none(g: Any, scores: Any) -> Any:
    return g.op("Expand", g.constant(_LOWEST), g.op("Shape", scores))


def _suppressed(n: Instance, g: Any, boxes: Any, scores: Any, most: int) -> Any:
    """Return scores (N, F, P) with those of dropped boxes put to the lowest."""
    priors, classes = _priors(n), len(_labels(n))
    low, high = g.op("Split", boxes, outputs=2, axis=-1)
    # The operator would take crossed corners for a box; so they become one without an area.
    boxes = g.op("Concat", low, g.op("Max", low, high), axis=-1)
    boxes = g.op("Reshape", boxes, g.constant([-1, priors, 4]))
    if not n.p.share_location:
        scores = g.op("Reshape", scores, g.constant([-1, 1, priors]))
    threshold = g.constant(min(n.p.nms_param.nms_threshold, 1.0))
    limits = g.constant([most]), threshold, g.constant(_LOWEST)
    stay = g.op("NonMaxSuppression", boxes, scores, *limits)
    found = g.op("GatherND", scores, stay)
    scores = g.op("ScatterND", _none(g, scores), stay, found)
    return g.op("Reshape", scores, g.constant([-1, classes, priors]))


def _rows(n: Instance, g: Any, boxes: Any, ranked: tuple[Any, Any]) -> Any:
    """Return the top, from scores (N, F, K) in falling order and the boxes they belong to."""
    scores, order = ranked
    found = g.op("Greater", scores, g.constant(_LOWEST))
    places = g.op("Transpose", g.op("NonZero", found), perm=[1, 0])
    image, label, _ = g.op("Split", places, outputs=3, axis=1)
    place = g.op("Unsqueeze", g.op("GatherND", order, places), g.constant([1]))
    own = g.op("Mul", label, g.constant(0)) if n.p.share_location else label
    rows = g.op(
        "Concat",
        g.op("Cast", image, to=_FLOAT),
        g.op("Gather", g.constant([float(c) for c in _labels(n)]), label),
        g.op("Unsqueeze", g.op("GatherND", scores, places), g.constant([1])),
        g.op("GatherND", boxes, g.op("Concat", image, own, place, axis=1)),
        axis=1,
    )
    # A row per image where there is none at all.
    images = g.op("Shape", scores, start=0, end=1)
    none = g.op("Equal", g.op("Shape", rows, start=0, end=1), g.constant([0]))
    zero, one = g.constant(0), g.constant(1)
    image = g.op("Range", zero, g.op("Squeeze", images, g.constant([0])), one)
    image = g.op("Unsqueeze", g.op("Cast", image, to=_FLOAT), g.constant([1]))
    empty = g.op("Pad", image, g.constant([0, 0, 0, 6]), g.constant(-1.0))
    empty = g.op("Compress", empty, g.op("Expand", none, images), axis=0)
    return g.op("Reshape", g.op("Concat", rows, empty, axis=0), g.constant([1, 1, -1, 7]))
