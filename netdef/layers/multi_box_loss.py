"""Loss of a detector that moves and classifies prior boxes."""

from typing import Any

from netdef.contract import (
    Cost,
    Example,
    Fixed,
    Instance,
    LayerType,
    Problem,
    Signature,
    Values,
    count,
    ignored,
    layer,
    normalization,
)
from netdef.ir import Shape
from netdef.schema import pb

_P = pb.MultiBoxLossParameter
_ROW = 8
"""Numbers per object: image, class, instance, the four edges, difficult."""

_SIDES = ((0.0, 0.0, 0.5, 0.5), (0.5, 0.0, 1.0, 0.5), (0.0, 0.5, 0.5, 1.0), (0.5, 0.5, 1.0, 1.0))
_INNER = ((0.2, 0.2, 0.6, 0.7), (0.1, 0.3, 0.4, 0.9), (0.45, 0.4, 0.95, 0.8), (-0.1, 0.1, 0.3, 0.4))
_PRIORS = Fixed(
    1, 2, 32, given=[*(e for box in (*_SIDES, *_INNER) for e in box), *[0.1, 0.1, 0.2, 0.2] * 8]
)
_OBJECTS = Fixed(
    1,
    1,
    3,
    8,
    given=[
        *(0, 1, 0, 0.22, 0.18, 0.58, 0.66, 0),
        *(0, 2, 0, 0.55, 0.05, 0.95, 0.45, 1),
        *(1, 2, 0, 0.05, 0.35, 0.45, 0.95, 0),
    ],
)


def _example(fields: str, others: str = "", classes: int = 3, kinds: int = 1) -> Example:
    ins: list[Shape | Values] = [(2, 32 * kinds), (2, 8 * classes), _PRIORS, _OBJECTS]
    text = f"multibox_loss_param {{ num_classes: {classes} {fields} }} {others}"
    return Example(text, ins, [()], phase="TRAIN")


@layer("MultiBoxLoss", param="multibox_loss_param", role="loss")
class MultiBoxLoss(LayerType):
    """Loss of a detector that corrects prior boxes and says what each of them shows.

    Bottoms, for N images, P prior boxes and C = `num_classes` classes, background included:

    - offsets (N, 4 P), or (N, 4 P C) with `share_location: false`: prior box by prior box, then
      class by class; what they mean is said by `code_type`, as in DetectionOutput
    - scores (N, P C), prior box by prior box; not probabilities
    - prior boxes (1, 2, 4 P), as PriorBox makes them: edges, then variances
    - objects (1, 1, T, 8): rows [image, class, instance, xmin, ymin, xmax, ymax, difficult], in
      units of the image; a row of image -1 is no object

    Top: a scalar, `loc_weight` (1) times the loss of the offsets of matched boxes, plus the loss of
    the classes of matched boxes and of chosen negatives. Both are sums, divided as
    `loss_param.normalization` says, but at least by 1: VALID (the default), the number of matched
    boxes; FULL, N P; BATCH_SIZE, N; NONE, 1; PRE_FIXED (R-FCN), `pre_fixed_normalizer`. With
    `propagate_down: false` for the offsets or the scores their part is left out.

    Matching. Each object takes a box, beginning with the pair of largest IoU. With PER_PREDICTION
    (the default) each box without an object then takes the best of at least `overlap_threshold`
    (0.5); with BIPARTITE it does not. `use_prior_for_matching: false` matches predicted boxes
    instead of prior boxes, with `share_location: false` each to objects of its own class.
    `ignore_cross_boundary_bbox` leaves boxes out that leave the image: they get no object and are
    no negatives. `use_difficult_gt: false` overlooks objects marked difficult.

    Offsets. `loc_loss_type` SMOOTH_L1 (the default) or L2, half the square, of the difference to
    the offsets that would give the object. `encode_variance_in_target`: offsets are not in units of
    the variances; their differences are divided by them. `bp_inside` leaves the offsets of those
    edges out that lie outside the image.

    Classes. `conf_loss_type` SOFTMAX (the default), or LOGISTIC, a sigmoid per class.
    `background_label_id` (0) is the class of a box without object. `map_object_to_agnostic` makes
    one class, the one after the background, of all objects.

    Negatives, by `mining_type`, in images with at least one object:

    - MAX_NEGATIVE (the default): of the boxes without object whose best IoU is below `neg_overlap`
      (0.5) those whose class costs most, `neg_pos_ratio` (3) times as many as are matched.
    - HARD_EXAMPLE: of all boxes the `sample_size` (64) that cost most, offsets included; a matched
      box that is not among them does not count at all.
    - NONE: all boxes without object count, in images without objects, too.

    With `nms_param`, boxes that overlap a costlier one by more than its `nms_threshold` are no
    candidates; its `top_k`, which must be given, says how many to look at (-1: all). Predicted
    boxes are compared, with `use_prior_for_nms` prior boxes. The old `do_neg_mining` is
    `mining_type` MAX_NEGATIVE or NONE.

    Easy to get wrong:

    - An image without objects teaches nothing, unless `mining_type` is NONE.
    - With LOGISTIC and NONE, the background is no class: all scores of a box without object should
      be low. And SSD lays the targets of each image P numbers after those of the one before, not
      P C, so that from the second image on they belong to other boxes. This is done here, too.
    - `bp_inside` looks at an edge and leaves out the offset at the same place, with CENTER_SIZE
      that of the centre or of the size.

    Prior boxes and objects get no gradient. An object of a class that does not exist, or of the
    background, is an error on a CPU; on a GPU, where finding it would stop the program, the loss
    becomes NaN.

    Source: Liu et al., SSD: Single Shot MultiBox Detector, 2016.

    Forks: SSD. In its first releases there was no `mining_type`: files of that time have
    `do_neg_mining`.
    """

    bottoms = 4
    loss = True
    no_grad_bottoms = (2, 3)
    examples = (
        _example("code_type: CENTER_SIZE"),
        _example("match_type: BIPARTITE neg_pos_ratio: 1.5", "loss_param { normalization: FULL }"),
        _example("loc_loss_type: L2 conf_loss_type: LOGISTIC mining_type: NONE loc_weight: 2"),
        _example("conf_loss_type: LOGISTIC code_type: CORNER_SIZE use_difficult_gt: false"),
        _example(
            "mining_type: HARD_EXAMPLE sample_size: 5 code_type: CENTER_SIZE"
            " encode_variance_in_target: true",
            "loss_param { normalization: BATCH_SIZE }",
        ),
        _example(
            "mining_type: HARD_EXAMPLE sample_size: 4 use_prior_for_nms: true"
            " nms_param { nms_threshold: 0.2 top_k: 6 }",
            "loss_param { normalization: NONE }",
        ),
        _example("neg_overlap: 0.7 nms_param { nms_threshold: 0.4 top_k: -1 }"),
        _example("share_location: false mining_type: NONE", kinds=3),
        _example(
            "share_location: false mining_type: NONE use_prior_for_matching: false bp_inside: true",
            "loss_param { normalize: false }",
            kinds=3,
        ),
        _example(
            "map_object_to_agnostic: true share_location: false do_neg_mining: false",
            "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 4 }",
            classes=3,
            kinds=3,
        ),
        _example(
            "bp_inside: true ignore_cross_boundary_bbox: true overlap_threshold: 0.3"
            " use_prior_for_matching: false"
        ),
    )

    def signature(self, n: Instance) -> Signature:
        """A scalar."""
        with n.collect():
            _check_classes(n)
            _check_mining(n)
            _check_numbers(n)
        _check_shapes(n)
        return Signature([()], warnings=_without_effect(n))

    def cost(self, n: Instance) -> Cost:
        """An IoU (16) per pair of prior box and object, a softmax (5) per score.

        How many boxes are matched depends on the data: their offsets are not counted.
        """
        boxes, objects = n.ins[2][2] // 4, n.ins[3][2]
        return Cost(other=16 * boxes * objects + 5 * count(n.ins[1]))

    def torch(self, n: Instance, t: Any) -> Any:
        """Match, mine, and sum what is left."""
        p, given = n.p, n.message.propagate_down
        asked = [*given, True, True][:2] if given else (True, True)
        by_threshold = p.match_type == _P.PER_PREDICTION
        nms = p.nms_param.nms_threshold, p.nms_param.top_k
        return t.ops.MultiBoxLoss(
            p.num_classes,
            background_label_id=p.background_label_id,
            loc_loss_type=_P.LocLossType.Name(p.loc_loss_type),
            conf_loss_type=_P.ConfLossType.Name(p.conf_loss_type),
            loc_weight=p.loc_weight if asked[0] else None,
            conf=asked[1],
            match_threshold=p.overlap_threshold if by_threshold else None,
            use_prior_for_matching=p.use_prior_for_matching,
            use_difficult_gt=p.use_difficult_gt,
            ignore_cross_boundary_bbox=p.ignore_cross_boundary_bbox,
            map_object_to_agnostic=p.map_object_to_agnostic,
            code_type=pb.PriorBoxParameter.CodeType.Name(p.code_type),
            encode_variance_in_target=p.encode_variance_in_target,
            bp_inside=p.bp_inside,
            mining_type=_P.MiningType.Name(_mining(n)),
            neg_pos_ratio=p.neg_pos_ratio,
            neg_overlap=p.neg_overlap,
            sample_size=p.sample_size,
            nms=nms if p.HasField("nms_param") and nms[0] > 0 else None,
            use_prior_for_nms=p.use_prior_for_nms,
            normalization=normalization(n),
            divisor=n.message.loss_param.pre_fixed_normalizer,
        )

    def onnx(self, n: Instance, g: Any, ins: Any) -> Any:
        """None: there are no objects."""
        n.unsupported("a loss exists only in training")


def _mining(n: Instance) -> Any:
    """Return the mining_type, from the old field if that alone is given."""
    p = n.p
    if p.HasField("do_neg_mining") and not p.HasField("mining_type"):
        return _P.MAX_NEGATIVE if p.do_neg_mining else _P.NONE
    return p.mining_type


def _check_classes(n: Instance) -> None:
    p = n.p
    if not p.HasField("num_classes"):
        text = "MultiBoxLoss needs `num_classes`, the number of classes, background included"
        n.fault("num_classes", text, "missing-field")
    elif p.num_classes < 1:
        n.fault("num_classes", f"`num_classes` must be at least 1, not {p.num_classes}")
    background, field = p.background_label_id, "background_label_id"
    if p.conf_loss_type == _P.LOGISTIC and background:
        text = f"with LOGISTIC the background must be class 0, not {background}"
        n.fault(field, text, because=("conf_loss_type",))
    elif background >= max(p.num_classes, 1):
        text = f"the background is class {background}, but there are {p.num_classes} classes"
        n.fault(field, text, because=("num_classes",))
    elif p.map_object_to_agnostic and background + 1 >= p.num_classes > 0:
        text = f"all objects would be of class {background + 1}, which does not exist"
        n.fault("map_object_to_agnostic", text, because=("num_classes", field))


def _check_mining(n: Instance) -> None:
    p, mining = n.p, _mining(n)
    if p.HasField("do_neg_mining") and p.do_neg_mining != (mining != _P.NONE):
        text = "`do_neg_mining` and `mining_type` contradict each other"
        n.fault("do_neg_mining", text, because=("mining_type",))
    if mining != _P.NONE and not p.share_location:
        text = "negatives can only be chosen where all classes share the offsets"
        note = "write `mining_type: NONE`, or leave out `share_location: false`"
        n.fault("share_location", text, note=note, because=("mining_type",))
    if mining == _P.HARD_EXAMPLE and p.sample_size < 1:
        n.fault("sample_size", f"`sample_size` must be at least 1, not {p.sample_size}")
    nms = p.nms_param
    if mining != _P.NONE and p.HasField("nms_param") and nms.nms_threshold > 0 and not nms.top_k:
        text = "without `top_k`, or with 0, no box is a candidate"
        because = ("nms_param", "nms_param.nms_threshold", "nms_param.eta")
        n.fault("nms_param.top_k", text, note="`top_k: -1` looks at all boxes", because=because)


def _check_numbers(n: Instance) -> None:
    for field in ("overlap_threshold", "neg_overlap"):
        value = getattr(n.p, field)
        if not 0 <= value <= 1:
            n.fault(field, f"`{field}` is an IoU, from 0 to 1, not {value:g}")
    for field in ("loc_weight", "neg_pos_ratio"):
        value = getattr(n.p, field)
        if not value >= 0:
            n.fault(field, f"`{field}` must be at least 0, not {value:g}")


def _check_shapes(n: Instance) -> None:
    loc, conf, priors, objects = n.ins
    if len(priors) != 3 or priors[:2] != (1, 2) or priors[2] % 4:
        n.mismatch("bottom[2]", f"prior boxes have the shape (1, 2, 4 P), not {priors}")
    if len(objects) != 4 or objects[:2] != (1, 1) or objects[3] != _ROW:
        n.mismatch("bottom[3]", f"objects have the shape (1, 1, T, {_ROW}), not {objects}")
    boxes, kinds = priors[2] // 4, 1 if n.p.share_location else n.p.num_classes
    with n.collect():
        if not loc or count(loc, 1) != 4 * boxes * kinds:
            each = f"{boxes} prior boxes" + ("" if kinds == 1 else f" and {kinds} classes")
            text = f"{each} need (N, {4 * boxes * kinds}) offsets, not {loc}"
            because = ("share_location", "num_classes")
            n.fault("bottom[0]", text, "shape-mismatch", bottom=2, because=because)
        if not conf or count(conf, 1) != boxes * n.p.num_classes:
            text = f"{boxes} prior boxes and {n.p.num_classes} classes need"
            text = f"{text} (N, {boxes * n.p.num_classes}) scores, not {conf}"
            n.fault("bottom[1]", text, "shape-mismatch", bottom=2, because=("num_classes",))
        elif loc and loc[0] != conf[0]:
            text = f"there are scores of {conf[0]} images, but offsets of {loc[0]}"
            n.fault("bottom[1]", text, "shape-mismatch")


def _without_effect(n: Instance) -> list[Problem]:
    p, mining = n.p, _mining(n)
    name = _P.MiningType.Name(mining)
    warnings: list[Problem] = []
    if mining != _P.MAX_NEGATIVE:
        warnings += ignored(n, "neg_pos_ratio", "neg_overlap", reason=f"the mining_type is {name}")
    if mining != _P.HARD_EXAMPLE:
        warnings += ignored(n, "sample_size", reason=f"the mining_type is {name}")
    if mining == _P.NONE:
        warnings += ignored(n, "nms_param", reason="nothing is mined")
    elif p.nms_param.HasField("eta"):
        text = "`eta` has no effect in this MultiBoxLoss"
        warnings.append(Problem("nms_param.eta", text, "ignored-field"))
    if not p.HasField("nms_param"):
        warnings += ignored(n, "use_prior_for_nms", reason="there is no `nms_param`")
    if p.match_type == _P.BIPARTITE:
        warnings += ignored(n, "overlap_threshold", reason="the match_type is BIPARTITE")
    return warnings
