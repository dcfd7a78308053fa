"""Saliency, guided backpropagation, Grad-CAM and occlusion against computations by hand."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import netdef
from netdef.explain.grad_cam import grad_cam, last_maps
from netdef.explain.occlusion import occlusion
from netdef.explain.saliency import guided_saliency, magnitude, saliency
from netdef.explain.score import Score, best_class, scores_blob
from netdef.torch_backend.executable import Executable

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 2, 6, 5] } } }
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }
}
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer {
  name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
}
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""


def program(text: str = NET) -> Executable:
    """The net, the same every time."""
    torch.manual_seed(3)
    return netdef.compile(netdef.loads(text), device="cpu")


def image() -> torch.Tensor:
    """An input, the same every time."""
    return torch.randn(1, 2, 6, 5, generator=torch.Generator().manual_seed(1))


def test_the_score_before_the_softmax() -> None:
    """It is what is explained unless another blob is asked for; the best class is the default."""
    exe = program()
    assert scores_blob(exe, None) == "fc"
    assert scores_blob(exe, "prob") == "prob"
    feed = {"data": image()}
    best = int(exe(feed)["prob"].argmax())
    assert best_class(exe, feed, "fc", None) == Score("fc", best)
    with pytest.raises(netdef.NetdefError, match="classes 0 to 2, not 3"):
        best_class(exe, feed, "fc", 3)
    with pytest.raises(netdef.NetdefError, match="no blob `prb`"):
        scores_blob(exe, "prb")


def test_saliency() -> None:
    """The gradient that autograd finds in the same net written by hand."""
    exe, x = program(), image().requires_grad_()
    p = exe.params
    hidden = F.conv2d(x, *p["conv"]).relu().flatten(1)
    F.linear(hidden, *p["fc"])[0, 2].backward()
    found = saliency(exe, {"data": image()}, "data", Score("fc", 2))
    torch.testing.assert_close(found, x.grad)
    assert magnitude(found).shape == (1, 6, 5)
    assert torch.equal(magnitude(found)[0], found[0].abs().max(0).values)


def test_guided() -> None:
    """What is negative ends at the ReLU, on the way down too; afterwards nothing is left of it."""
    exe, x = program(), image()
    score = Score("fc", 1)
    before = saliency(exe, {"data": x}, "data", score)
    found = guided_saliency(exe, {"data": x}, "data", score)
    p = exe.params
    conv = F.conv2d(x, *p["conv"])
    above = p["fc"][0][1].reshape(conv.shape)
    kept = above * (conv > 0) * (above > 0)
    expected = F.conv_transpose2d(kept, p["conv"][0])
    torch.testing.assert_close(found, expected.detach())
    assert not torch.equal(found, before)
    assert torch.equal(saliency(exe, {"data": x}, "data", score), before)


def test_guided_without_rectifiers() -> None:
    """It says why it cannot."""
    exe = program(NET.replace('"ReLU"', '"TanH"'))
    with pytest.raises(netdef.NetdefError, match="this net has none"):
        guided_saliency(exe, {"data": image()}, "data", Score("fc", 1))


def test_grad_cam() -> None:
    """The formula, computed by hand."""
    exe, x = program(), image()
    maps = F.conv2d(x, *exe.params["conv"]).relu()
    gradient = exe.params["fc"][0][2].reshape(maps.shape)
    weights = gradient.mean(dim=(2, 3))
    expected = (weights[0][:, None, None] * maps[0]).sum(0).clamp(min=0)
    found = grad_cam(exe, {"data": x}, "conv", Score("fc", 2))
    torch.testing.assert_close(found[0], expected.detach())
    assert last_maps(exe, "fc") == "conv"


@pytest.mark.parametrize(
    ("blob", "message"),
    [("fc", "has no rows and columns"), ("cnov", "did you mean `conv`"), ("side", "not depend")],
)
def test_grad_cam_faults(blob: str, message: str) -> None:
    """Blobs without places, of no such name, of another branch."""
    side = 'layer { name: "side" type: "AbsVal" bottom: "conv" top: "side" }'
    exe = program(NET + side)
    with pytest.raises(netdef.NetdefError) as caught:
        grad_cam(exe, {"data": image()}, blob, Score("fc", 0))
    assert message in str(caught.value)


def test_occlusion_finds_the_pixel_that_matters() -> None:
    """A net that looks at one pixel."""
    text = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 1, 7, 8] } } }
layer {
  name: "fc" type: "InnerProduct" bottom: "data" top: "fc" inner_product_param { num_output: 2 }
}
"""
    exe = program(text)
    with torch.no_grad():
        exe.params["fc"][0].zero_()[1, 2 * 8 + 5] = 3
    feed = {"data": np.full((1, 1, 7, 8), 2, "f4")}
    found = occlusion(exe, feed, "data", Score("fc", 1), patch=1, stride=1)
    expected = torch.zeros(7, 8)
    expected[2, 5] = 6
    assert torch.equal(found, expected)
    coarse = occlusion(exe, feed, "data", Score("fc", 1), patch=3, stride=2)
    assert coarse[2, 5] == coarse.max() == 6
    assert coarse[0, 0] == 0 and coarse[6, 7] == 0
    with pytest.raises(netdef.NetdefError, match="8 x 8 does not fit"):
        occlusion(exe, feed, "data", Score("fc", 1), patch=8, stride=1)


def test_what_has_no_gradient() -> None:
    """A score that does not depend on the input is said to."""
    exe = program()
    with pytest.raises(netdef.NetdefError, match="does not depend on `data`"):
        saliency(exe, {"data": image(), "fc": torch.zeros(1, 3)}, "data", Score("fc", 0))
