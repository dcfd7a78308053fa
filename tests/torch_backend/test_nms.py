"""Greedy non-maximum suppression against its definition."""

import numpy as np
import pytest
import torch

from netdef.torch_backend.ops.nms import nms


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def greedy(boxes: np.ndarray, threshold: float, eta: float, most: int | None) -> list[int]:
    """What stays, box by box."""
    kept: list[int] = []
    for i, box in enumerate(boxes):
        if len(kept) == most:
            break
        if all(overlap(box, boxes[k]) <= threshold for k in kept):
            kept.append(i)
            if eta < 1 and threshold > 0.5:
                threshold *= eta
    return kept


@pytest.mark.parametrize(
    ("threshold", "eta", "most"),
    [(0.3, 1.0, None), (0.7, 1.0, 5), (0.9, 0.8, None), (0.95, 0.99, None), (0.0, 1.0, None)],
)
def test_it_is_the_greedy_one(threshold: float, eta: float, most: int | None):
    draw = np.random.default_rng(0)
    corners = draw.uniform(0, 10, (4, 60, 2))
    boxes = np.concatenate([corners, corners + draw.uniform(0.5, 5, (4, 60, 2))], 2)
    stay = nms(
        torch.from_numpy(boxes), torch.ones(4, 60, dtype=torch.bool), threshold, eta, most
    ).numpy()
    for found, of_list in zip(stay, boxes, strict=True):
        assert found.nonzero()[0].tolist() == greedy(of_list, threshold, eta, most)


def test_only_candidates_count():
    boxes = torch.tensor([[0.0, 0, 2, 2]] * 3).unsqueeze(0)
    assert nms(boxes, torch.tensor([[False, True, True]]), 0.5).tolist() == [[False, True, False]]
    assert nms(boxes, torch.zeros(1, 3, dtype=torch.bool), 0.5).tolist() == [[False] * 3]
    assert nms(boxes[:, :0], torch.zeros(1, 0, dtype=torch.bool), 0.5).shape == (1, 0)


def test_a_box_without_an_area_overlaps_nothing():
    boxes = torch.tensor([[[1.0, 1, 1, 1], [1, 1, 1, 1], [2, 2, 0, 3]]])
    assert nms(boxes, torch.ones(1, 3, dtype=torch.bool), 0.0).all()
