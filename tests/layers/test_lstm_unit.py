"""LSTMUnit: the step that an LSTM is made of."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError


def net_text(*shapes: tuple[int, ...]) -> str:
    inputs = "\n".join(
        f'layer {{ name: "x{i}" type: "Input" top: "x{i}" input_param {{ shape {{ '
        + " ".join(f"dim: {size}" for size in shape)
        + " } } }"
        for i, shape in enumerate(shapes)
    )
    bottoms = " ".join(f'bottom: "x{i}"' for i in range(len(shapes)))
    return f'{inputs}\nlayer {{ name: "u" type: "LSTMUnit" {bottoms} top: "c" top: "h" }}'


def step(net: str = net_text((1, 3, 4), (1, 3, 16), (1, 3))):
    exe = netdef.compile(netdef.loads(net), device="cpu")
    return lambda *x: tuple(
        exe.run({f"x{i}": value for i, value in enumerate(x)}, ["c", "h"]).values()
    )


def test_steps_make_an_lstm():
    """Weights and loop outside, the gates inside, give what LSTM gives."""
    text = (
        'layer { name: "x" type: "Input" top: "x"'
        " input_param { shape { dim: 4 dim: 2 dim: 5 } } }\n"
        'layer { name: "m" type: "Input" top: "m" input_param { shape { dim: 4 dim: 2 } } }\n'
        'layer { name: "l" type: "LSTM" bottom: "x" bottom: "m" top: "y" recurrent_param {'
        ' num_output: 3 weight_filler { type: "uniform" min: -0.5 max: 0.5 } } }'
    )
    torch.manual_seed(0)
    lstm = netdef.compile(netdef.loads(text), device="cpu")
    w_x, bias, w_h = lstm.params["l"]
    x, marker = torch.randn(4, 2, 5), torch.tensor([[0.0, 0], [1, 1], [1, 0], [1, 1]])
    unit = step(net_text((1, 2, 3), (1, 2, 12), (1, 2)))
    h = c = torch.zeros(1, 2, 3)
    outputs = []
    for t in range(4):
        gates = x[t : t + 1] @ w_x.T + bias + (h * marker[t, :, None]) @ w_h.T
        c, h = unit(c, gates, marker[t : t + 1])
        outputs.append(h)
    torch.testing.assert_close(torch.cat(outputs), lstm({"x": x, "m": marker})["y"])


def test_values():
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    rng = np.random.default_rng(0)
    cell, gates = rng.standard_normal((1, 3, 4)), rng.standard_normal((1, 3, 16))
    marker = np.array([[1.0, 0.0, 1.0]])
    c, h = (y.numpy() for y in step()(*(a.astype(np.float32) for a in (cell, gates, marker))))
    for s in range(3):
        i, f, o, g = np.split(gates[0, s], 4)
        expected = marker[0, s] * sigmoid(f) * cell[0, s] + sigmoid(i) * np.tanh(g)
        np.testing.assert_allclose(c[0, s], expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(h[0, s], sigmoid(o) * np.tanh(expected), rtol=1e-5, atol=1e-6)


def test_gradients():
    exe = netdef.compile(netdef.loads(net_text((1, 2, 3), (1, 2, 12), (1, 2))), device="cpu")
    exe = exe.double()
    generator = torch.Generator().manual_seed(0)
    cell = torch.randn(1, 2, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    gates = torch.randn(1, 2, 12, generator=generator, dtype=torch.float64, requires_grad=True)
    marker = torch.tensor([[1.0, 0.0]], dtype=torch.float64)

    def run(cell: torch.Tensor, gates: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(exe.run({"x0": cell, "x1": gates, "x2": marker}, ["c", "h"]).values())

    assert torch.autograd.gradcheck(run, (cell, gates))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 3, 4), (2, 3, 16), (2, 3)), "the cell must be (1, N, D), but is (2, 3, 4)"),
        (((1, 3), (1, 12), (1, 3)), "the cell must be (1, N, D), but is (1, 3)"),
        (((1, 3, 4), (1, 3, 12), (1, 3)), "the sums of the gates must be (1, 3, 16)"),
        (((1, 3, 4), (1, 3, 16), (1, 3, 1)), "the marker must be (1, 3)"),
    ],
)
def test_faults(shapes, message):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text(*shapes))
    (found,) = caught.value.diagnostics
    assert found.rule == "shape-mismatch"
    assert message in found.message
