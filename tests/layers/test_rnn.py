"""RNN against its definition in numpy, and what it remembers."""

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError

STEPS, SEQUENCES, INPUTS, HIDDEN = 5, 3, 4, 2


def net_text(shapes: list[tuple[int, ...]], exposed: bool = False, tops: int | None = None) -> str:
    lines = [
        f'layer {{ name: "x{i}" type: "Input" top: "x{i}" input_param {{ shape {{ '
        + " ".join(f"dim: {size}" for size in shape)
        + " } } }"
        for i, shape in enumerate(shapes)
    ]
    bottoms = " ".join(f'bottom: "x{i}"' for i in range(len(shapes)))
    made = " ".join(f'top: "y{i}"' for i in range((2 if exposed else 1) if tops is None else tops))
    fields = f"num_output: {HIDDEN} weight_filler {{ type: 'uniform' min: -0.5 max: 0.5 }}"
    fields += " bias_filler { type: 'uniform' min: -0.5 max: 0.5 }"
    fields += " expose_hidden: true" if exposed else ""
    lines.append(
        f'layer {{ name: "r" type: "RNN" {bottoms} {made} recurrent_param {{ {fields} }} }}'
    )
    return "\n".join(lines)


def shapes_of(static=(), exposed=False, steps=STEPS, sequences=SEQUENCES, inputs=(INPUTS,)):
    return [
        (steps, sequences, *inputs),
        (steps, sequences),
        *([(sequences, *static)] if static else []),
        *([(1, sequences, HIDDEN)] if exposed else []),
    ]


def executable(static=(), exposed=False, **sizes):
    torch.manual_seed(0)
    net = netdef.loads(net_text(shapes_of(static, exposed, **sizes), exposed))
    return netdef.compile(net, device="cpu")


def feeds_for(exe, begin=0.0):
    """Normal numbers, and markers of which the first row is `begin`."""
    rng = np.random.default_rng(0)
    feeds = {
        name: rng.standard_normal(exe.net.blobs[name].shape).astype(np.float32)
        for name in exe.net.inputs
    }
    feeds["x1"] = rng.integers(0, 2, feeds["x1"].shape).astype(np.float32)
    feeds["x1"][0] = begin
    return feeds


def by_definition(exe, x, marker, static=None, h=None):
    """Outputs and last h."""
    w_x, bias, *w_static, w_h, w_o, b_o = (t.detach().double().numpy() for t in exe.params["r"])
    steps, sequences = marker.shape
    h = np.zeros((sequences, HIDDEN)) if h is None else h.astype(float).copy()
    outputs = np.zeros((steps, sequences, HIDDEN))
    for t in range(steps):
        for s in range(sequences):
            sums = w_x @ x[t, s].ravel() + bias + w_h @ (h[s] * marker[t, s])
            if static is not None:
                sums = sums + w_static[0] @ static[s].ravel()
            h[s] = np.tanh(sums)
            outputs[t, s] = np.tanh(w_o @ h[s] + b_o)
    return outputs, h


def close(actual, expected):
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("static", [(), (3,), (2, 2)])
@pytest.mark.parametrize("inputs", [(INPUTS,), (2, 3), ()])
def test_outputs_are_as_defined(static, inputs):
    exe = executable(static, inputs=inputs)
    feeds = feeds_for(exe)
    close(exe(feeds)["y0"], by_definition(exe, feeds["x0"], feeds["x1"], feeds.get("x2"))[0])


@pytest.mark.parametrize("static", [(), (3,)])
def test_the_state_may_come_from_outside(static):
    exe = executable(static, exposed=True)
    feeds = feeds_for(exe, begin=1.0)
    first = feeds[f"x{3 if static else 2}"][0]
    expected = by_definition(exe, feeds["x0"], feeds["x1"], feeds["x2"] if static else None, first)
    for _ in range(2):  # nothing is kept
        tops = exe(feeds)
        close(tops["y0"], expected[0])
        close(tops["y1"], expected[1][None])


def test_the_blobs_are_caffes():
    shapes = [tuple(t.shape) for t in executable(static=(3,)).params["r"]]
    square = (HIDDEN, HIDDEN)
    assert shapes == [(HIDDEN, INPUTS), (HIDDEN,), (HIDDEN, 3), square, square, (HIDDEN,)]


def test_other_lengths_and_numbers_of_sequences_may_be_fed():
    exe = executable()
    feeds = feeds_for(executable(steps=1, sequences=7))
    close(exe(feeds)["y0"], by_definition(exe, feeds["x0"], feeds["x1"])[0])


def test_a_pass_goes_on_where_the_one_before_it_ended():
    exe = executable(steps=6)
    feeds = feeds_for(exe)
    whole = exe(feeds)["y0"]
    parts = [exe({k: v[a:b] for k, v in feeds.items()})["y0"] for a, b in ((0, 1), (1, 4), (4, 6))]
    torch.testing.assert_close(torch.cat(parts), whole)


def test_a_marker_of_zero_forgets_even_what_went_wrong():
    exe = executable()
    feeds = feeds_for(exe, begin=0.0)
    first = exe(feeds)["y0"]
    exe({**feeds, "x0": np.full_like(feeds["x0"], np.nan)})
    assert torch.equal(exe(feeds)["y0"], first)


def test_no_gradient_crosses_from_one_pass_to_the_next():
    exe = executable()
    feeds = {k: torch.from_numpy(v) for k, v in feeds_for(exe, begin=1.0).items()}
    feeds["x1"].fill_(1.0)
    early = feeds["x0"].clone().requires_grad_()
    exe({**feeds, "x0": early})
    exe(feeds)["y0"].sum().backward()
    assert early.grad is None


@pytest.mark.parametrize("kind", ["RNN", "LSTM"])
def test_the_last_state_carries_no_gradient(kind):
    """As in the reference, whose own net writes over what comes from outside."""
    exposed = 2 if kind == "LSTM" else 1
    shapes = [*shapes_of(), *[(1, SEQUENCES, HIDDEN)] * exposed]
    text = net_text(shapes, exposed=True, tops=1 + exposed).replace('"RNN"', f'"{kind}"')
    exe = netdef.compile(netdef.loads(text), device="cpu")
    outputs, *last = exe(feeds_for(exe)).values()
    assert outputs.requires_grad
    assert [state.requires_grad for state in last] == [False] * exposed


@pytest.mark.parametrize(("static", "exposed"), [((), False), ((2,), False), ((2,), True)])
def test_gradients(static, exposed):
    exe = executable(static, exposed, steps=3, sequences=2).double()
    feeds = {k: torch.from_numpy(v).double() for k, v in feeds_for(exe).items()}
    if exposed:
        feeds["x1"].fill_(1.0)  # so that the first state counts
    wanted = [k for k in feeds if k != "x1"]
    tensors = [feeds[k].requires_grad_() for k in wanted]

    def run(*values: torch.Tensor) -> torch.Tensor:
        return exe({**feeds, **dict(zip(wanted, values[: len(tensors)], strict=True))})["y0"]

    assert torch.autograd.gradcheck(run, (*tensors, *exe.params["r"]))


def test_the_state_stays_exact_in_mixed_precision():
    exe = netdef.compile(netdef.loads(net_text(shapes_of())), device="cpu", precision="bf16")
    feeds = feeds_for(exe, begin=1.0)
    y = exe(feeds)["y0"]
    expected = by_definition(exe, feeds["x0"], feeds["x1"])[0]
    np.testing.assert_allclose(y.detach().float().numpy(), expected, atol=0.02)


@pytest.mark.parametrize(
    ("shapes", "exposed", "tops", "parts"),
    [
        ([(5, 3, 4), (5, 2)], False, None, ["the marker must be (5, 3)"]),
        ([(5,), (5,)], False, None, ["the input must be (T, N, ...)"]),
        ([(5, 3, 4), (5, 3), (4, 2)], False, None, ["the static input must be (3, ...)"]),
        ([(5, 3, 4), (5, 3), (1, 3, 3)], True, None, ["a first state must be (1, 3, 2)"]),
        ([(5, 3, 4), (5, 3)], True, None, ["3 or 4 bottoms with `expose_hidden`, not 2"]),
        ([(5, 3, 4), (5, 3)], False, 2, ["1 top without `expose_hidden`, not 2"]),
        ([(5, 3, 4), (5, 3), (1, 3, 2)], True, 1, ["2 tops with `expose_hidden`, not 1"]),
    ],
)
def test_what_does_not_fit_is_refused(shapes, exposed, tops, parts):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text(shapes, exposed, tops))
    messages = [d.message for d in caught.value.diagnostics]
    assert len(messages) == len(parts)
    for part, message in zip(parts, messages, strict=True):
        assert part in message


def test_num_output_must_be_set():
    with pytest.raises(NetdefError, match="RNN needs `num_output`"):
        netdef.loads(net_text(shapes_of()).replace(f"num_output: {HIDDEN}", ""))
