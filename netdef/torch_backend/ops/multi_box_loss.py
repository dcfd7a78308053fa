"""Loss of a detector that moves and classifies prior boxes."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from netdef.torch_backend.ops.box_matching import NONE, match_boxes
from netdef.torch_backend.ops.box_mining import hardest, hardest_apart
from netdef.torch_backend.ops.boxes import decode, encode
from netdef.torch_backend.ops.labels import divisor, log_of
from netdef.torch_backend.ops.smooth_l1_loss import smooth_l1

_IMAGE, _LABEL, _BOX, _DIFFICULT = 0, 1, slice(3, 7), 7
"""What is where in a row of an object."""


class _Boxes(NamedTuple):
    """Prior boxes and their variances, (P, 4), and offsets from them, (N, 1 or classes, P, 4)."""

    priors: Tensor
    variances: Tensor
    loc: Tensor


class _Objects(NamedTuple):
    """The objects that are looked at: their images, classes and boxes."""

    images: Tensor
    labels: Tensor
    boxes: Tensor


class MultiBoxLoss(nn.Module):
    """Losses of offsets and classes of prior boxes, divided as `normalization` says; a scalar.

    The arguments are SSD's fields, with enumerators by name.

    Args:
        num_classes: Number of classes, background included.
        background_label_id: Class of the background.
        loc_loss_type: SMOOTH_L1 or L2.
        conf_loss_type: SOFTMAX or LOGISTIC.
        loc_weight: Factor on the offsets' loss; None leaves it out.
        conf: Whether the classes' loss counts.
        match_threshold: IoU from which a prior box takes an object; None for BIPARTITE.
        use_prior_for_matching: Match prior boxes, not predicted ones.
        use_difficult_gt: Look at objects marked difficult.
        ignore_cross_boundary_bbox: Leave boxes that leave the image without object.
        map_object_to_agnostic: Whether all objects are of the class after the background.
        code_type: CORNER, CENTER_SIZE or CORNER_SIZE.
        encode_variance_in_target: Whether offsets are of prior boxes alone.
        bp_inside: Leave out the offsets of edges outside the image.
        mining_type: NONE, MAX_NEGATIVE or HARD_EXAMPLE.
        neg_pos_ratio: Negatives per matched prior box.
        neg_overlap: IoU from which a prior box is no negative.
        sample_size: Prior boxes per image for HARD_EXAMPLE.
        nms: Threshold and top_k of the suppression before mining; None for no suppression.
        use_prior_for_nms: Suppress prior boxes, not predicted ones.
        normalization: FULL, VALID, BATCH_SIZE, NONE or PRE_FIXED.
        divisor: What PRE_FIXED divides by.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        background_label_id: int = 0,
        loc_loss_type: str = "SMOOTH_L1",
        conf_loss_type: str = "SOFTMAX",
        loc_weight: float | None = 1.0,
        conf: bool = True,
        match_threshold: float | None = 0.5,
        use_prior_for_matching: bool = True,
        use_difficult_gt: bool = True,
        ignore_cross_boundary_bbox: bool = False,
        map_object_to_agnostic: bool = False,
        code_type: str = "CORNER",
        encode_variance_in_target: bool = False,
        bp_inside: bool = False,
        mining_type: str = "MAX_NEGATIVE",
        neg_pos_ratio: float = 3.0,
        neg_overlap: float = 0.5,
        sample_size: int = 64,
        nms: tuple[float, int] | None = None,
        use_prior_for_nms: bool = False,
        normalization: str = "VALID",
        divisor: float = 1.0,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.background_label_id = background_label_id
        self.loc_loss_type = loc_loss_type
        self.conf_loss_type = conf_loss_type
        self.loc_weight = loc_weight
        self.conf = conf
        self.match_threshold = match_threshold
        self.use_prior_for_matching = use_prior_for_matching
        self.use_difficult_gt = use_difficult_gt
        self.ignore_cross_boundary_bbox = ignore_cross_boundary_bbox
        self.map_object_to_agnostic = map_object_to_agnostic
        self.code_type = code_type
        self.encode_variance_in_target = encode_variance_in_target
        self.bp_inside = bp_inside
        self.mining_type = mining_type
        self.neg_pos_ratio = neg_pos_ratio
        self.neg_overlap = neg_overlap
        self.sample_size = sample_size
        self.nms = nms
        self.use_prior_for_nms = use_prior_for_nms
        self.normalization = normalization
        self.divisor = divisor

    def forward(self, loc: Tensor, conf: Tensor, priors: Tensor, objects: Tensor) -> Tensor:
        """Map offsets, scores, prior boxes (1, 2, 4 P) and objects (1, 1, T, 8) to a scalar."""
        # Half precision has no room for the sums.
        dtype = torch.promote_types(loc.dtype, torch.float32)
        images, count = loc.shape[0], priors.shape[2] // 4
        conf = conf.to(dtype).reshape(images, count, self.num_classes)
        loc = loc.to(dtype).reshape(images, count, -1, 4).transpose(1, 2)
        given, variances = priors[0].detach().to(dtype).reshape(2, count, 4)
        boxes = _Boxes(given, variances, loc)
        truth, known = self._looked_at(objects.detach().to(dtype), images)

        matches, overlaps = self._match(boxes, truth)
        if self.map_object_to_agnostic:
            one = torch.full_like(truth.labels, self.background_label_id + 1)
            truth = truth._replace(labels=one)
        matched = matches > NONE
        conf_costs = self._conf_costs(conf, matches, truth)
        counted = torch.ones_like(conf_costs, dtype=torch.bool)
        if self.mining_type != "NONE":
            chosen = self._mine(conf_costs.detach(), boxes, truth, matches[:, 0], overlaps)
            if self.mining_type == "HARD_EXAMPLE":
                matched = matched & chosen.unsqueeze(1)
            counted = matched[:, 0] | (chosen & (matches[:, 0] == NONE))

        total = loc.new_zeros(())
        if self.loc_weight is not None:
            costs = self._loc_costs(boxes, truth, matches, matched)
            total = total + self.loc_weight * costs.sum()
        if self.conf:
            total = total + conf_costs.where(counted, 0.0).sum()
        parts = images * count, images, matched
        return (total / divisor(self.normalization, *parts, self.divisor)).where(known, torch.nan)

    def extra_repr(self) -> str:
        """Describe the settings."""
        kinds = f"{self.loc_loss_type}, {self.conf_loss_type}, {self.mining_type}"
        return f"{self.num_classes} classes, {kinds}, {self.normalization}"

    def _looked_at(self, objects: Tensor, images: int) -> tuple[_Objects, Tensor]:
        """Return the objects of these images, and whether all are of a known class."""
        rows = objects.reshape(-1, objects.shape[-1])
        image = rows[:, _IMAGE].long()
        used = (image >= 0) & (image < images)
        if not self.use_difficult_gt:
            used = used & (rows[:, _DIFFICULT] == 0)
        labels = rows[used, _LABEL].long()
        known = (labels >= 0) & (labels < self.num_classes) & (labels != self.background_label_id)
        if not labels.is_cuda and not known.all():
            wrong = int(labels[~known][0])
            raise IndexError(f"an object's label is out of bounds: {wrong} is no class of objects")
        labels = labels.where(known, self.background_label_id)
        return _Objects(image[used], labels, rows[used, _BOX]), known.all()

    def _match(self, boxes: _Boxes, truth: _Objects) -> tuple[Tensor, Tensor]:
        """Return an object per image, class of offsets and box, and the best IoU per box."""
        matches = torch.full_like(boxes.loc[..., 0], NONE, dtype=torch.long)
        overlaps = boxes.loc.new_zeros(matches[:, 0].shape)
        shared = matches.shape[1] == 1
        for image in range(len(matches)):
            own = (truth.images == image).nonzero().squeeze(1)
            if not len(own):
                continue
            if self.use_prior_for_matching:
                taken, overlaps[image] = self._taken(boxes.priors, truth, own)
                if shared:
                    matches[image, 0] = taken
                else:
                    at = (taken > NONE).nonzero().squeeze(1)
                    matches[image, truth.labels[taken[at]], at] = taken[at]
                continue
            decoded = self._decoded(boxes, image)
            for kind in [0] if shared else truth.labels[own].unique().tolist():
                alike = own if shared else own[truth.labels[own] == kind]
                matches[image, kind], overlaps[image] = self._taken(decoded[kind], truth, alike)
        return matches, overlaps

    def _taken(self, boxes: Tensor, truth: _Objects, own: Tensor) -> tuple[Tensor, Tensor]:
        """Return which of some objects each of the boxes (P, 4) takes, and its best IoU."""
        inside_only = self.ignore_cross_boundary_bbox
        found, most = match_boxes(boxes, truth.boxes[own], self.match_threshold, inside_only)
        return own[found.clamp(min=0)].where(found > NONE, found), most

    def _decoded(self, boxes: _Boxes, image: int) -> Tensor:
        """Return the predicted boxes of an image, (1 or classes, P, 4)."""
        code, loc = (self.code_type, self.encode_variance_in_target), boxes.loc[image].detach()
        return decode(boxes.priors, boxes.variances, loc, *code)

    def _loc_costs(
        self, boxes: _Boxes, truth: _Objects, matches: Tensor, matched: Tensor
    ) -> Tensor:
        """Return what the offsets cost of each of M matched boxes, (M, 4)."""
        image, kind, box = matched.nonzero(as_tuple=True)
        priors, variances = boxes.priors[box], boxes.variances[box]
        code = self.code_type, self.encode_variance_in_target
        predicted = boxes.loc[image, kind, box]
        wanted = encode(priors, variances, truth.boxes[matches[matched]], *code)
        missing = predicted - wanted
        if self.bp_inside:
            edges = priors
            if not self.use_prior_for_matching:
                edges = decode(priors, variances, predicted.detach(), *code)
            missing = missing.where((edges >= 0) & (edges <= 1), 0.0)
        if self.encode_variance_in_target:
            missing = missing / variances
        return 0.5 * missing.square() if self.loc_loss_type == "L2" else smooth_l1(missing)

    def _conf_costs(self, conf: Tensor, matches: Tensor, truth: _Objects) -> Tensor:
        """Return what the class of each box costs, (N, P)."""
        targets = torch.full_like(matches[:, 0], self.background_label_id)
        labels = torch.cat([truth.labels, truth.labels.new_full((1,), self.background_label_id)])
        for kind in matches.unbind(1):  # of several objects, that of the last class counts
            targets = labels[kind.clamp(min=NONE)].where(kind > NONE, targets)
        if self.conf_loss_type == "SOFTMAX":
            return -log_of(conf.log_softmax(2).gather(2, targets.unsqueeze(2)).squeeze(2))
        wanted = functional.one_hot(targets, self.num_classes)
        if self.mining_type == "NONE":
            wanted = _as_in_ssd(matches, truth.labels, self.num_classes)
        costs = functional.binary_cross_entropy_with_logits(
            conf, wanted.to(conf.dtype), reduction="none"
        )
        return costs.sum(2)

    def _mine(
        self, costs: Tensor, boxes: _Boxes, truth: _Objects, matches: Tensor, overlaps: Tensor
    ) -> Tensor:
        """Return which boxes are hard, (N, P)."""
        images = torch.arange(len(matches), device=matches.device).unsqueeze(1)
        with_objects = (truth.images == images).any(1, keepdim=True)
        if self.mining_type == "MAX_NEGATIVE":
            eligible = with_objects & (matches == NONE) & (overlaps < self.neg_overlap)
            positives = (matches > NONE).sum(1).to(torch.float32)
            numbers = (positives * self.neg_pos_ratio).long()
        else:
            eligible = with_objects.expand_as(matches)
            numbers = torch.full_like(matches[:, 0], self.sample_size)
            every = matches.unsqueeze(1)
            offsets = self._loc_costs(boxes, truth, every, every > NONE).detach().sum(1)
            costs = costs.masked_scatter(matches > NONE, costs[matches > NONE] + offsets)
        if self.nms is None:
            return hardest(costs, eligible, numbers)
        shown = boxes.priors.expand(len(matches), -1, -1)
        if not self.use_prior_for_nms:
            shown = torch.stack([self._decoded(boxes, i)[0] for i in range(len(matches))])
        return hardest_apart(costs, eligible, numbers, shown, *self.nms)


def _as_in_ssd(matches: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Return the targets (N, P, classes) that SSD has for LOGISTIC without mining.

    The background is no class of its own there, and each image's targets begin P numbers after the
    last one's, not P * classes.
    """
    images, _, count = matches.shape
    image, _, box = (matches > NONE).nonzero(as_tuple=True)
    targets = labels.new_zeros(images * count * classes)
    targets[image * count + box * classes + labels[matches[matches > NONE]]] = 1
    return targets.reshape(images, count, classes)
