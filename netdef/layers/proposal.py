"""Regions that anchors propose."""

from math import inf
from typing import Any

from netdef.contract import Example, ImageInfo, Instance, Labels, layer
from netdef.contract.proposals import Anchors, ProposalType, anchors

_SCORES, _OFFSETS = Labels(1, 8, 3, 4, below=40), (1, 16, 3, 4)
_INFO = ImageInfo(48, 64, 1.5, 1.25)
_FOUR = "ratio: 0.5 ratio: 2 scale: 1 scale: 2"


@layer("Proposal", param="proposal_param", role="detection")
class Proposal(ProposalType):
    """Propose regions of an image that may hold something.

    Bottoms: scores (1, 2 A, H, W) of A anchors per cell, first of being background, then of being
    something; offsets (1, 4 A, H, W) of each anchor's centre (x, y) and of the logarithm of its
    width and height; and rows and columns of the image with the scales by which these came from the
    original image, (1, 4) or longer: H, W, scale of H, scale of W. One image at a time. Tops:
    regions (R, 5) with rows [0, x1, y1, x2, y2], first and last pixel, the best first; optionally
    their scores (R,). R depends on the data and is at most `post_nms_topn`.

    There is an anchor for every `ratio` (height over width) and, for each, every `scale`: a box of
    the area of a square of side `base_size` (16), with the ratio, its sides rounded, then scaled.
    All anchors of cell (i, j) are centred at (j, i) `feat_stride` + `base_size` / 2, in pixels;
    `feat_stride` is 16.

    A region is its anchor, moved by offset times size, its sides multiplied by e^offset, cut to the
    image. One that is narrower or lower than `min_size` (16) times the scale gets the score 0. Of
    the `pre_nms_topn` (6000) with the highest scores, one goes, from the best on, whose
    intersection over union with one that stays is above `nms_thresh` (0.7), until `post_nms_topn`
    (300) have stayed. Equal scores stay in order.

    Easy to get wrong: the last pixel belongs to a region, so its width is x2 - x1 + 1. `ratio` and
    `scale` have no defaults. Nothing gets a gradient.

    Forks: PVANet's (Kim et al., PVANET: Deep but Lightweight Neural Networks for Real-time Object
    Detection, 2016). The Python layer of py-faster-rcnn, ProposalLayer, removes small regions
    instead and reads one scale for both axes.
    """

    numbers = 4
    removes = False
    score_shape = ()
    examples = (
        Example(f"proposal_param {{ {_FOUR} min_size: 8 }}", [_SCORES, _OFFSETS, _INFO], [(48, 5)]),
        Example(
            f"proposal_param {{ {_FOUR} base_size: 10 feat_stride: 12 min_size: 12 "
            "pre_nms_topn: 30 post_nms_topn: 9 nms_thresh: 0.4 }",
            [_SCORES, _OFFSETS, _INFO],
            [(9, 5), (9,)],
        ),
    )

    def anchors(self, n: Instance) -> Anchors:
        p = n.p
        for name in ("feat_stride", "base_size"):
            if getattr(p, name) < 1:
                n.fault(name, f"`{name}` must be at least 1")
        for name in ("ratio", "scale"):
            values = getattr(p, name)
            if not values:
                n.fault(name, f"Proposal needs `{name}`, once or several times", "missing-field")
            for i, value in enumerate(values):
                if not 0 < value < inf:
                    n.fault(f"{name}[{i}]", f"`{name}` must be above 0, not {value:g}")
        # What was faulted may be gathered with further faults.
        ratios = [ratio for ratio in p.ratio if 0 < ratio < inf]
        return anchors(p.base_size, ratios, p.scale, p.feat_stride)

    def settings(self, n: Instance) -> tuple[Any, str]:
        return n.p, ""
