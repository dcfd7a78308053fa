"""Images that are found by optimising."""

import torch

import netdef
from netdef.explain.inversion import invert, total_variation
from netdef.explain.style import gram, transfer_style
from netdef.torch_backend.executable import Executable

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 2, 8, 8] } } }
layer {
  name: "a" type: "Convolution" bottom: "data" top: "a"
  convolution_param { num_output: 8 kernel_size: 3 weight_filler { type: "xavier" } }
}
layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }
layer {
  name: "b" type: "Convolution" bottom: "a" top: "b"
  convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "xavier" } }
}
"""


def program() -> Executable:
    torch.manual_seed(0)
    return netdef.compile(netdef.loads(NET), device="cpu")


def drawn(seed: int) -> torch.Tensor:
    return torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_total_variation() -> None:
    """Mean squares of the differences of neighbours."""
    image = torch.tensor([[0.0, 1.0], [0.0, 3.0]])[None, None]
    assert total_variation(image) == (0 + 4) / 2 + (1 + 9) / 2


def test_inversion() -> None:
    """The objective falls, the blob comes near; the same seed gives the same image."""
    exe, feed = program(), {"data": drawn(1)}
    found = invert(exe, feed, "data", "b", steps=150)
    assert len(found.losses) == 150
    assert found.losses[-1] < 0.02 * found.losses[0]
    wanted, values = (exe.run({"data": x}, ["b"])["b"] for x in (feed["data"], found.image))
    assert (values - wanted).norm() < 0.15 * wanted.norm()
    assert torch.equal(invert(exe, feed, "data", "b", steps=150).image, found.image)
    assert not torch.equal(invert(exe, feed, "data", "b", steps=150, seed=1).image, found.image)


def test_gram() -> None:
    """Means over the places of the products of channels."""
    values = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    expected = torch.einsum("nahw,nbhw->nab", values, values) / 20
    torch.testing.assert_close(gram(values), expected)


def test_style() -> None:
    """The correlations of channels come nearer to those of the other image."""
    exe, feed, style = program(), {"data": drawn(1)}, 3 * drawn(2)
    found = transfer_style(exe, feed, "data", style, ["b"], ["a"], steps=60, weight=10)
    assert min(found.losses) < found.losses[0]
    before, wanted, after = (
        gram(exe.run({"data": x}, ["a"])["a"]) for x in (feed["data"], style, found.image)
    )
    assert (after - wanted).norm() < 0.5 * (before - wanted).norm()
