"""MultiBoxLoss against a plain computation box by box, and its gradient."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import netdef
from netdef.contract import Example
from netdef.source import NetdefError

IMAGES, BOXES, CLASSES = 3, 24, 4

DEFAULTS = {
    "background_label_id": 0,
    "loc_loss_type": "SMOOTH_L1",
    "conf_loss_type": "SOFTMAX",
    "loc_weight": 1.0,
    "share_location": True,
    "match_type": "PER_PREDICTION",
    "overlap_threshold": 0.5,
    "use_prior_for_matching": True,
    "use_difficult_gt": True,
    "code_type": "CORNER",
    "encode_variance_in_target": False,
    "map_object_to_agnostic": False,
    "ignore_cross_boundary_bbox": False,
    "bp_inside": False,
    "mining_type": "MAX_NEGATIVE",
    "neg_pos_ratio": 3.0,
    "neg_overlap": 0.5,
    "sample_size": 64,
    "nms_param": None,
    "use_prior_for_nms": False,
}


class Problem(NamedTuple):
    """What a detector says, and what is true."""

    loc: np.ndarray
    conf: np.ndarray
    priors: np.ndarray
    objects: np.ndarray


def problem(seed: int, classes: int = CLASSES, share: bool = True) -> Problem:
    """Three images: one with four objects, one with one, one with none; and a row of no image."""
    rng = np.random.default_rng(seed)

    def boxes(count: int, low: float) -> np.ndarray:
        corner = rng.uniform(low, 0.6, (count, 2))
        return np.concatenate([corner, corner + rng.uniform(0.2, 0.5, (count, 2))], 1)

    priors = np.stack([boxes(BOXES, -0.1), rng.uniform(0.1, 0.3, (BOXES, 4))])
    images = np.array([0, 0, -1, 2, 0, 0])
    labels = rng.integers(1, classes, len(images))
    difficult = np.array([0, 1, 0, 0, 0, 1])
    objects = np.column_stack([images, labels, 0 * images, boxes(len(images), 0.0), difficult])
    kinds = 1 if share else classes
    return Problem(
        0.5 * rng.standard_normal((IMAGES, BOXES * kinds * 4)),
        rng.standard_normal((IMAGES, BOXES * classes)),
        priors.reshape(1, 2, BOXES * 4),
        objects.reshape(1, 1, *objects.shape),
    )


def size_of(box):
    width, height = box[2] - box[0], box[3] - box[1]
    return width * height if width > 0 and height > 0 else 0.0


def iou(a, b):
    shared = size_of([*np.maximum(a[:2], b[:2]), *np.minimum(a[2:], b[2:])])
    return shared / (size_of(a) + size_of(b) - shared) if shared else 0.0


def encoded(p, prior, variance, box):
    size = np.tile(prior[2:] - prior[:2], 2)
    if p["code_type"] == "CENTER_SIZE":
        middle = (box[:2] + box[2:] - prior[:2] - prior[2:]) / 2
        offsets = np.concatenate([middle / size[:2], np.log((box[2:] - box[:2]) / size[:2])])
    else:
        offsets = (box - prior) / (1 if p["code_type"] == "CORNER" else size)
    return offsets if p["encode_variance_in_target"] else offsets / variance


def decoded(p, prior, variance, offsets):
    if not p["encode_variance_in_target"]:
        offsets = offsets * variance
    size = np.tile(prior[2:] - prior[:2], 2)
    if p["code_type"] == "CENTER_SIZE":
        middle = (prior[:2] + prior[2:]) / 2 + offsets[:2] * size[:2]
        half = np.exp(offsets[2:]) * size[:2] / 2
        return np.concatenate([middle - half, middle + half])
    return prior + offsets * (1 if p["code_type"] == "CORNER" else size)


def matched(p, boxes, objects):
    """The object of each box (-1: none, -2: may have none), and its best IoU."""
    found, best = [-1] * len(boxes), [0.0] * len(boxes)
    overlaps = {}
    for i, box in enumerate(boxes):
        if p["ignore_cross_boundary_bbox"] and (min(box) < 0 or max(box) > 1):
            found[i] = -2
            continue
        for j, row in enumerate(objects):
            overlap = iou(box, row[3:7])
            if overlap > 1e-6:
                overlaps[i, j] = overlap
                best[i] = max(best[i], overlap)
    left = set(range(len(objects)))
    while True:
        pairs = [(v, -i, -j) for (i, j), v in overlaps.items() if found[i] == -1 and j in left]
        if not pairs:
            break
        _, i, j = max(pairs)
        found[-i] = -j
        left.remove(-j)
    if p["match_type"] == "PER_PREDICTION":
        for i in range(len(boxes)):
            mine = [(v, -j) for (k, j), v in overlaps.items() if k == i]
            if found[i] == -1 and mine and max(mine)[0] >= p["overlap_threshold"]:
                found[i] = -max(mine)[1]
    return found, best


def loc_cost(p, x):
    x = abs(x)
    return 0.5 * x * x if p["loc_loss_type"] == "L2" or x < 1 else x - 0.5


def conf_cost(p, scores, targets):
    """What scores cost; targets are 0 and 1 per class."""
    if p["conf_loss_type"] == "SOFTMAX":
        return -(scores - np.log(np.exp(scores).sum()))[targets.argmax()]
    s = 1 / (1 + np.exp(-scores))
    return -(targets * np.log(s) + (1 - targets) * np.log(1 - s)).sum()


def suppressed(boxes, order, nms):
    """The first of boxes that overlap, of the first top_k."""
    threshold, top_k = nms
    kept = []
    for i in order if top_k < 0 else order[:top_k]:
        if size_of(boxes[i]) >= 1e-5 and all(iou(boxes[i], boxes[k]) <= threshold for k in kept):
            kept.append(i)
    return kept


def matches_of(p, shown, priors, objects):
    """Matches as (kind, box, object), and where boxes have one object at most, as `matched`."""
    kinds = len(shown)
    if kinds == 1 or p["use_prior_for_matching"]:
        boxes = priors if p["use_prior_for_matching"] else shown[0]
        found, best = matched(p, boxes, objects)
        kind = [int(objects[j][1]) if kinds > 1 and j >= 0 else 0 for j in found]
        return [(kind[i], i, j) for i, j in enumerate(found) if j >= 0], found, best
    triples = []
    for kind, boxes in enumerate(shown):
        own = [j for j, row in enumerate(objects) if row[1] == kind]
        found, _ = matched(p, boxes, [objects[j] for j in own])
        triples += [(kind, i, own[j]) for i, j in enumerate(found) if j >= 0]
    return triples, None, None


def one_image(p, classes, loc, conf, priors, variances, objects):
    """Matches, and the boxes whose classes count, each with its targets."""
    shown = [
        [decoded(p, *parts) for parts in zip(priors, variances, offsets, strict=True)]
        for offsets in loc.swapaxes(0, 1)
    ]
    triples, found, best = matches_of(p, shown, priors, objects)
    if p["mining_type"] == "NONE" or not len(objects):
        return triples, []

    def target(i):
        label = p["background_label_id"]
        if found[i] >= 0:
            label = label + 1 if p["map_object_to_agnostic"] else int(objects[found[i]][1])
        return np.eye(classes)[label]

    costs = [conf_cost(p, conf[i], target(i)) for i in range(len(priors))]
    if p["mining_type"] == "MAX_NEGATIVE":
        eligible = [i for i, j in enumerate(found) if j == -1 and best[i] < p["neg_overlap"]]
        number = int(np.float32(len(triples)) * np.float32(p["neg_pos_ratio"]))
    else:
        for _, i, j in triples:
            costs[i] += sum(loc_costs(p, loc[i, 0], priors[i], variances[i], objects[j]))
        eligible, number = list(range(len(priors))), p["sample_size"]
    order = sorted(eligible, key=lambda i: -costs[i])
    if p["nms_param"]:
        order = suppressed(priors if p["use_prior_for_nms"] else shown[0], order, p["nms_param"])
    chosen = set(order[:number])
    if p["mining_type"] == "HARD_EXAMPLE":
        triples = [t for t in triples if t[1] in chosen]
    counted = [i for _, i, _ in triples] + [i for i in chosen if found[i] == -1]
    return triples, [(i, target(i)) for i in counted]


def loc_costs(p, offsets, prior, variance, row):
    wanted = encoded(p, prior, variance, row[3:7])
    edges = prior
    if not p["use_prior_for_matching"]:
        edges = decoded(p, prior, variance, offsets)
    for k in range(4):
        apart = offsets[k] - wanted[k]
        if p["encode_variance_in_target"]:
            apart /= variance[k]
        if not (p["bp_inside"] and not 0 <= edges[k] <= 1):
            yield loc_cost(p, apart)


def by_definition(given: Problem, fields: dict[str, Any], classes: int, divisor: str) -> float:
    p = {**DEFAULTS, **fields}
    kinds = 1 if p["share_location"] else classes
    loc = given.loc.reshape(IMAGES, BOXES, kinds, 4)
    conf = given.conf.reshape(IMAGES, BOXES, classes)
    priors, variances = given.priors.reshape(2, BOXES, 4)
    total, matches = 0.0, 0
    written = np.zeros(IMAGES * BOXES * classes)  # targets of LOGISTIC without mining
    targets = np.zeros((IMAGES, BOXES, classes))
    targets[..., p["background_label_id"]] = 1
    for image in range(IMAGES):
        rows = [r for r in given.objects[0, 0] if r[0] == image]
        rows = [r for r in rows if p["use_difficult_gt"] or not r[7]]
        parts = loc[image], conf[image], priors, variances, rows
        triples, counted = one_image(p, classes, *parts)
        matches += len(triples)
        for kind, i, j in triples:
            costs = loc_costs(p, loc[image, i, kind], priors[i], variances[i], rows[j])
            total += p["loc_weight"] * sum(costs)
            label = int(rows[j][1])
            if p["map_object_to_agnostic"]:
                label = p["background_label_id"] + 1
            targets[image, i] = np.eye(classes)[label]
            written[image * BOXES + i * classes + label] = 1
        total += sum(conf_cost(p, conf[image, i], wanted) for i, wanted in counted)
    if p["mining_type"] == "NONE":
        if p["conf_loss_type"] == "LOGISTIC":
            targets = written.reshape(targets.shape)
        pairs = zip(conf.reshape(-1, classes), targets.reshape(-1, classes), strict=True)
        total += sum(conf_cost(p, scores, wanted) for scores, wanted in pairs)
    divisors = {"VALID": matches, "FULL": IMAGES * BOXES, "BATCH_SIZE": IMAGES, "NONE": 1}
    return total / max(1, divisors[divisor])


def text_of(fields: dict[str, Any]) -> str:
    words = []
    for name, value in fields.items():
        if name == "nms_param":
            words.append(f"nms_param {{ nms_threshold: {value[0]} top_k: {value[1]} }}")
        else:
            words.append(f"{name}: {str(value).lower() if isinstance(value, bool) else value}")
    return " ".join(words)


def net_of(given: Problem, fields: str, classes: int = CLASSES, others: str = "") -> netdef.ir.Net:
    text = f"multibox_loss_param {{ num_classes: {classes} {fields} }} {others}"
    ins = [tuple(part.shape) for part in given]
    return netdef.loads(Example(text, ins, [()]).prototxt("MultiBoxLoss"), phase="TRAIN")


def compiled(given: Problem, fields: str, classes: int = CLASSES, others: str = ""):
    return netdef.compile(net_of(given, fields, classes, others), device="cpu").double()


def feed_of(given: Problem) -> dict[str, Any]:
    return {f"in{i}": torch.tensor(part) for i, part in enumerate(given)}


HARD = {"mining_type": "HARD_EXAMPLE", "sample_size": 7}
APART = {"share_location": False, "mining_type": "NONE"}
SETTINGS: list[dict[str, Any]] = [
    {},
    {"overlap_threshold": 0.2, "neg_overlap": 0.3, "neg_pos_ratio": 1.7},
    {"match_type": "BIPARTITE", "code_type": "CENTER_SIZE"},
    {"loc_loss_type": "L2", "code_type": "CORNER_SIZE", "loc_weight": 0.5},
    {"conf_loss_type": "LOGISTIC"},
    {"conf_loss_type": "LOGISTIC", "mining_type": "NONE"},
    {"mining_type": "NONE", "use_difficult_gt": False},
    {"background_label_id": 0, "encode_variance_in_target": True, "code_type": "CENTER_SIZE"},
    {"use_prior_for_matching": False, "overlap_threshold": 0.2},
    {"use_prior_for_matching": False, "bp_inside": True, "overlap_threshold": 0.1},
    {"bp_inside": True, "code_type": "CENTER_SIZE", "overlap_threshold": 0.1},
    {"ignore_cross_boundary_bbox": True, "overlap_threshold": 0.1},
    {"ignore_cross_boundary_bbox": True, "mining_type": "NONE"},
    HARD,
    {**HARD, "loc_loss_type": "L2", "overlap_threshold": 0.1, "ignore_cross_boundary_bbox": True},
    {**HARD, "encode_variance_in_target": True, "bp_inside": True},
    {**HARD, "nms_param": (0.4, -1)},
    {**HARD, "nms_param": (0.3, 9), "use_prior_for_nms": True},
    {"nms_param": (0.5, 12), "code_type": "CENTER_SIZE"},
    {"nms_param": (0.0, 3)},
    APART,
    {**APART, "use_prior_for_matching": False, "overlap_threshold": 0.1},
    {**APART, "use_prior_for_matching": False, "conf_loss_type": "LOGISTIC", "bp_inside": True},
    {**APART, "map_object_to_agnostic": True},
]
IDS = [" ".join(map(str, fields.values())) or "default" for fields in SETTINGS]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fields", SETTINGS, ids=IDS)
def test_as_defined(fields, seed):
    given = problem(seed, share=fields.get("share_location", True))
    mode = ("VALID", "FULL", "BATCH_SIZE", "NONE")[seed]
    exe = compiled(given, text_of(fields), others=f"loss_param {{ normalization: {mode} }}")
    plain = {k: v for k, v in fields.items() if k != "nms_param" or v[0] > 0}
    expected = by_definition(given, plain, CLASSES, mode)
    np.testing.assert_allclose(exe.loss(feed_of(given)).item(), expected, rtol=1e-9)


@pytest.mark.parametrize("fields", SETTINGS, ids=IDS)
def test_gradient(fields):
    given = problem(5, share=fields.get("share_location", True))
    exe, feed = compiled(given, text_of(fields)), feed_of(given)
    run = lambda loc, conf: exe.loss({**feed, "in0": loc, "in1": conf})  # noqa: E731
    inputs = feed["in0"].requires_grad_(), feed["in1"].requires_grad_()
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)


def test_a_background_after_the_objects():
    given = problem(6)
    given.objects[..., 1] = np.arange(6) % 3
    fields = {"background_label_id": 3}
    loss = compiled(given, text_of(fields)).loss(feed_of(given))
    np.testing.assert_allclose(loss.item(), by_definition(given, fields, CLASSES, "VALID"))


@pytest.mark.parametrize("mining", ["MAX_NEGATIVE", "HARD_EXAMPLE", "NONE"])
def test_without_objects(mining):
    given = problem(7)
    given.objects[..., 0] = -1
    exe, feed = compiled(given, f"mining_type: {mining}"), feed_of(given)
    loss = exe.loss({k: v.requires_grad_(k in ("in0", "in1")) for k, v in feed.items()})
    loss.backward()
    expected = by_definition(given, {"mining_type": mining}, CLASSES, "VALID")
    np.testing.assert_allclose(loss.item(), expected)
    assert not feed["in0"].grad.any()
    assert feed["in1"].grad.any() == (mining == "NONE")


def test_propagate_down_leaves_a_part_out():
    given = problem(8)
    off = "propagate_down: false"
    on = "propagate_down: true"
    feed = feed_of(given)
    whole = compiled(given, "").loss(feed)
    loc = compiled(given, "", others=f"{on} {off} {off} {off}").loss(feed)
    conf = compiled(given, "", others=f"{off} {on} {off} {off}").loss(feed)
    assert loc > 0
    assert conf > 0
    torch.testing.assert_close(whole, loc + conf)


@pytest.mark.parametrize(("old", "new"), [("true", "MAX_NEGATIVE"), ("false", "NONE")])
def test_the_old_form_of_mining(old, new):
    given = problem(9)
    was = compiled(given, f"do_neg_mining: {old}").loss(feed_of(given))
    assert was == compiled(given, f"mining_type: {new}").loss(feed_of(given))


def test_other_numbers_of_images_and_objects():
    given = problem(10)
    exe = compiled(given, "")
    other = given._replace(
        loc=given.loc[:1], conf=given.conf[:1], objects=given.objects[:, :, [0, 1, 4, 5]]
    )
    expected = by_definition(
        given._replace(objects=other.objects), {}, CLASSES, "VALID"
    )  # the other two images have no objects
    np.testing.assert_allclose(exe.loss(feed_of(other)).item(), expected, rtol=1e-9)


@pytest.mark.parametrize("label", [0, CLASSES, -1])
def test_an_object_of_no_class(label, monkeypatch):
    given = problem(11)
    given.objects[0, 0, 0, 1] = label
    exe = compiled(given, "")
    with pytest.raises(NetdefError, match="is out of range"):
        exe.loss(feed_of(given))
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    assert exe.loss(feed_of(given)).isnan()


def test_half_precision_does_not_crash():
    given = problem(12)
    exe = netdef.compile(net_of(given, ""), device="cpu", precision="bf16")
    loss = exe.loss({k: v.float() for k, v in feed_of(given).items()})
    np.testing.assert_allclose(loss.item(), by_definition(given, {}, CLASSES, "VALID"), rtol=1e-2)
