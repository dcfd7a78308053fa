"""Regions that anchors propose, as py-faster-rcnn's Python layer does it."""

from collections.abc import Sequence
from math import inf
from typing import Any

from netdef.contract import Example, ImageInfo, Instance, Labels, Problem, layer
from netdef.contract.proposals import Anchors, ProposalType, anchors

_BASE, _RATIOS, _SCALES = 16, (0.5, 1, 2), (8, 16, 32)
_MOST_SCALES = 1000
_SCORES, _OFFSETS = Labels(1, 18, 3, 4, below=90), (1, 36, 3, 4)
_INFO = ImageInfo(48, 64, 1.25)


@layer("ProposalLayer", param="python_param", role="detection")
class ProposalLayer(ProposalType):
    """Propose regions of an image that may hold something.

    This is what `type: "Python"` with `python_param { module: "rpn.proposal_layer" layer:
    "ProposalLayer" }` means: the layer of py-faster-rcnn, built in, so that no Python code is run.

    Bottoms: scores (1, 2 A, H, W) of A anchors per cell, first of being background, then of being
    something; offsets (1, 4 A, H, W) of each anchor's centre (x, y) and of the logarithm of its
    width and height; and `im_info` (1, 3): rows and columns of the image, and the scale by which
    these came from the original image. One image at a time. Tops: regions (R, 5) with rows
    [0, x1, y1, x2, y2], first and last pixel, the best first; optionally their scores (R, 1). R
    depends on the data; it can be 0.

    `param_str` is YAML, or a Python dict: `feat_stride`, the pixels from cell to cell, must be
    there; `scales` are 8, 16 and 32 where they are not. Anchors are boxes of the area of a square
    of 16 pixels with the ratios (height over width) 0.5, 1 and 2, sides rounded, then scaled: for
    each ratio one of every scale, centred at (j, i) `feat_stride` + 8 for cell (i, j).

    A region is its anchor, moved by offset times size, its sides multiplied by e^offset, cut to the
    image. Those narrower or lower than `min_size` times the scale go. Of the `pre_nms_topn` with
    the highest scores, one goes, from the best on, whose intersection over union with one that
    stays is above `nms_thresh`, until `post_nms_topn` have stayed. Equal scores stay in order.

    These four come from the program's settings, not from the file; here they are fields of
    `proposal_param` in the same layer, with the published values for testing as defaults: 16, 6000,
    0.7 and 300. For training these are 12000 and 2000 regions.

    Forks: a Python layer of py-faster-rcnn (Ren et al., Faster R-CNN, 2015). PVANet's Proposal,
    written in C++, gives small regions the score 0 instead of removing them, and has two scales.
    """

    python = True
    numbers = 3
    removes = True
    score_shape = (1,)
    examples = (
        Example(
            "python_param { param_str: \"'feat_stride': 16\" } proposal_param { min_size: 8 }",
            [_SCORES, _OFFSETS, _INFO],
            [(108, 5)],
        ),
        Example(
            "python_param { param_str: \"{'feat_stride': 8, 'scales': [1, 2, 4]}\" } "
            "proposal_param { pre_nms_topn: 50 post_nms_topn: 12 nms_thresh: 0.5 }",
            [_SCORES, _OFFSETS, _INFO],
            [(12, 5), (12, 1)],
        ),
        Example(
            'python_param { param_str: "feat_stride: 16" } proposal_param { min_size: 1000 }',
            [_SCORES, _OFFSETS, _INFO],
            [(108, 5)],
        ),
    )

    def anchors(self, n: Instance) -> Anchors:
        stride, scales = _read(n)
        return anchors(_BASE, _RATIOS, scales, stride)

    def settings(self, n: Instance) -> tuple[Any, str]:
        return n.message.proposal_param, "proposal_param."

    def warnings(self, n: Instance) -> Sequence[Problem]:
        """Fields of Proposal that `param_str` gives, or that are fixed here."""
        given = n.message.proposal_param
        fields = [name for name in ("feat_stride", "base_size") if given.HasField(name)]
        fields += [name for name in ("ratio", "scale") if getattr(given, name)]
        text = "has no effect in a ProposalLayer"
        note = "`feat_stride` and `scales` stand in `param_str`; the rest is fixed"
        return [
            Problem(f"proposal_param.{name}", f"`{name}` {text}", "ignored-field", note)
            for name in fields
        ]


def _read(n: Instance) -> tuple[int, list[float]]:
    """Return `feat_stride` and `scales` of `param_str`; 1 and none where they are at fault."""
    import yaml

    try:
        # This loader knows lists, mappings and strings, whatever is tagged as something else.
        given = yaml.BaseLoader(n.p.param_str).get_single_data()
    except (yaml.YAMLError, RecursionError):
        n.fault(
            "param_str", "`param_str` is no YAML", note="write param_str: \"'feat_stride': 16\""
        )
        return 1, []
    if not isinstance(given, dict) or "feat_stride" not in given:
        text = "`param_str` must give `feat_stride`, the pixels from cell to cell"
        n.fault("param_str", text, "missing-field", "write param_str: \"'feat_stride': 16\"")
        return 1, []
    stride, scales = _number(given["feat_stride"]), given.get("scales", list(_SCALES))
    if not 1 <= stride < 2**31 or stride != int(stride):
        n.fault("param_str", "`feat_stride` in `param_str` must be a whole number, at least 1")
        stride = 1
    scales = [_number(scale) for scale in scales] if isinstance(scales, list) else []
    if not 1 <= len(scales) <= _MOST_SCALES or not all(0 < scale < inf for scale in scales):
        text = "`scales` in `param_str` must be a list of numbers above 0"
        n.fault("param_str", text, note="such as 'scales': [8, 16, 32]")
        scales = []
    return int(stride), scales


def _number(text: Any) -> float:
    """Return what YAML read as a number, or -1."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return -1.0
