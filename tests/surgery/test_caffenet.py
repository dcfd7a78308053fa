"""CaffeNet made fully convolutional, beside the form that was published.

The published file lies beside the checkout, in ../shared; its classifier is made from it here.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import netdef
from netdef.surgery import fully_convolutional, open_draft, rename

PUBLISHED = (
    Path(__file__).parents[3] / "shared" / "conformance" / "nets" / "caffenet_full_conv.prototxt"
)
BAR = 1e-5
"""Relative to the largest score."""

pytestmark = pytest.mark.skipif(
    not PUBLISHED.exists(), reason="the published files are not ours to carry along"
)


def classifier() -> str:
    """CaffeNet with fully connected layers, 227 x 227."""
    text = PUBLISHED.read_text().replace("dim: 1 dim: 3 dim: 451 dim: 451", "dim: [1, 3, 227, 227]")
    for name in ("fc6", "fc7", "fc8"):
        text = text.replace(f"{name}-conv", name)
        block = re.search(rf'name: "{name}"\s+type: "Convolution".*?\n}}', text, re.DOTALL)
        assert block is not None
        dense = block[0].replace("Convolution", "InnerProduct")
        dense = re.sub(r"\s*kernel_size: \d+", "", dense)
        text = text.replace(block[0], dense.replace("convolution_param", "inner_product_param"))
    return text


def test_as_published(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """The same numbers at 227 x 227, a map at 451 x 451, and the published net's text and map."""
    path, weights = tmp_path / "caffenet.prototxt", tmp_path / "caffenet.caffemodel"
    path.write_text(classifier())
    exe = netdef.compile(netdef.load(path), device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensors in exe.params.values():
            for tensor in tensors:
                fan_in = tensor[0].numel()
                scale = (2 / fan_in) ** 0.5 if tensor.dim() > 1 else 0.1
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * scale)
    exe.save_weights(weights)
    draft = fully_convolutional(open_draft(path, weights))
    for name in ("fc6", "fc7", "fc8"):
        draft = rename(draft, name, f"{name}-conv")
    made, values = draft.save(tmp_path / "made", "full_conv", ".caffemodel")

    small = np.random.default_rng(0).standard_normal((1, 3, 227, 227)).astype("f4")
    expected = exe.run({"data": small}, ["fc8"])["fc8"]
    del exe
    program = netdef.compile(netdef.load(made), values, device="cpu")
    found = program.run({"data": small}, ["fc8-conv"])["fc8-conv"]
    assert found.shape == (1, 1000, 1, 1)
    difference = (found.flatten(1) - expected).abs().max() / expected.abs().max()
    record_property("difference", difference.item())
    assert difference.item() <= BAR

    large = np.random.default_rng(1).standard_normal((1, 3, 451, 451)).astype("f4")
    answers = program({"data": large})["prob"]
    assert answers.shape == (1, 1000, 8, 8)
    published = netdef.compile(netdef.load(PUBLISHED), values, device="cpu")
    assert published.net.params.keys() == program.net.params.keys()
    assert torch.equal(published({"data": large})["prob"], answers)
