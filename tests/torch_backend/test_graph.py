"""The graph: an affine layer in the same step as the one before it, where nobody can tell."""

import pytest
import torch

import netdef
from netdef.torch_backend.executable import Executable

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [4, 3, 5, 5] } } }
layer { name: "norm" type: "BatchNorm" bottom: "x" top: "n" }
layer { name: "scale" type: "Scale" bottom: "n" top: "y" scale_param { BIAS } }
layer { name: "loss" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1
        reduction_param { operation: SUMSQ } }
"""


def program(text: str, phase: str = "TRAIN") -> Executable:
    """With drawn parameters and statistics."""
    exe = netdef.compile(netdef.loads(text, phase=phase), device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in (t for ts in exe.params.values() for t in ts):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return exe


def calls(exe: Executable) -> int:
    """Modules that the only program of `exe` calls."""
    (made,) = exe._programs.values()
    return sum(node.op == "call_module" for node in made.module.graph.nodes)


def outcome(text: str, phase: str, blobs: tuple[str, ...]) -> tuple[int, list[torch.Tensor]]:
    """Number of calls; then the objective, all gradients and statistics."""
    exe = program(text, phase)
    x = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(1)).requires_grad_()
    objective, _ = exe.objective({"x": x}, blobs)
    objective.backward()
    params = [t for ts in exe.params.values() for t in ts]
    gradients = [t.grad for t in params if t.requires_grad]
    return calls(exe), [objective.detach(), x.grad, *gradients, *(p.detach() for p in params)]


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
@pytest.mark.parametrize("bias", ["bias_term: true", ""])
def test_one_step_gives_what_two_give(phase: str, bias: str) -> None:
    text = NET.replace("BIAS", bias)
    fused, ours = outcome(text, phase, ())
    apart, theirs = outcome(text, phase, ("n",))
    assert (fused, apart) == (2, 3)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(
    "change",
    [
        ('top: "n" }', 'top: "n" } layer { name: "r" type: "ReLU" bottom: "n" top: "r" }'),
        ("BIAS", "axis: 0"),
        ("BIAS", "num_axes: 2"),
        ('top: "y"', 'top: "y" propagate_down: false'),
    ],
)
def test_what_must_stay_apart(change: tuple[str, str]) -> None:
    """Another reader, another axis, an own rule for gradients."""
    text = NET.replace(*change).replace("BIAS", "")
    other = ("r",) if '"r"' in text else ()
    calls_made, _ = outcome(text, "TRAIN", other)
    assert calls_made == 3 + len(other)
