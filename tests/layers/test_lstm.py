"""LSTM against its definition in numpy, and what it remembers."""

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
    made = " ".join(f'top: "y{i}"' for i in range((3 if exposed else 1) if tops is None else tops))
    fields = f"num_output: {HIDDEN} weight_filler {{ type: 'uniform' min: -0.5 max: 0.5 }}"
    fields += " bias_filler { type: 'uniform' min: -0.5 max: 0.5 }"
    fields += " expose_hidden: true" if exposed else ""
    lines.append(
        f'layer {{ name: "l" type: "LSTM" {bottoms} {made} recurrent_param {{ {fields} }} }}'
    )
    return "\n".join(lines)


def shapes_of(static=(), exposed=False, steps=STEPS, sequences=SEQUENCES, inputs=(INPUTS,)):
    state = (1, sequences, HIDDEN)
    return [
        (steps, sequences, *inputs),
        (steps, sequences),
        *([(sequences, *static)] if static else []),
        *([state, state] if exposed else []),
    ]


def executable(static=(), exposed=False, seed=0, **sizes):
    torch.manual_seed(seed)
    net = netdef.loads(net_text(shapes_of(static, exposed, **sizes), exposed))
    return netdef.compile(net, device="cpu")


def feeds_for(exe, seed=0, begin=0.0):
    """Normal numbers, and markers of which the first row is `begin`."""
    rng = np.random.default_rng(seed)
    feeds = {
        name: rng.standard_normal(exe.net.blobs[name].shape).astype(np.float32)
        for name in exe.net.inputs
    }
    feeds["x1"] = rng.integers(0, 2, feeds["x1"].shape).astype(np.float32)
    feeds["x1"][0] = begin
    return feeds


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_definition(exe, x, marker, static=None, h=None, c=None):
    """Step by step, sequence by sequence, gate by gate; returns outputs, last h, last c."""
    matrices = [t.detach().double().numpy() for t in exe.params["l"]]
    w_x, bias, *w_static, w_h = matrices
    steps, sequences = marker.shape
    h = np.zeros((sequences, HIDDEN)) if h is None else h.astype(float).copy()
    c = np.zeros((sequences, HIDDEN)) if c is None else c.astype(float).copy()
    outputs = np.zeros((steps, sequences, HIDDEN))
    for t in range(steps):
        for s in range(sequences):
            before, cell = h[s] * marker[t, s], c[s] * marker[t, s]
            sums = w_x @ x[t, s].ravel() + bias + w_h @ before
            if static is not None:
                sums = sums + w_static[0] @ static[s].ravel()
            i, f, o, g = np.split(sums, 4)
            c[s] = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
            h[s] = sigmoid(o) * np.tanh(c[s])
        outputs[t] = h
    return outputs, h, c


def close(actual, expected):
    np.testing.assert_allclose(actual.detach().numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("static", [(), (3,), (2, 2)])
@pytest.mark.parametrize("inputs", [(INPUTS,), (2, 3), ()])
def test_outputs_are_as_defined(static, inputs):
    exe = executable(static, inputs=inputs)
    feeds = feeds_for(exe)
    close(exe(feeds)["y0"], by_definition(exe, feeds["x0"], feeds["x1"], feeds.get("x2"))[0])


@pytest.mark.parametrize("static", [(), (3,)])
def test_states_may_come_from_outside(static):
    exe = executable(static, exposed=True)
    feeds = feeds_for(exe, begin=1.0)
    *_, first_h, first_c = feeds
    expected = by_definition(
        exe,
        feeds["x0"],
        feeds["x1"],
        feeds["x2"] if static else None,
        feeds[first_h][0],
        feeds[first_c][0],
    )
    for _ in range(2):  # nothing is kept
        tops = exe(feeds)
        close(tops["y0"], expected[0])
        close(tops["y1"], expected[1][None])
        close(tops["y2"], expected[2][None])


def test_the_blobs_are_caffes():
    shapes = [tuple(t.shape) for t in executable(static=(3,)).params["l"]]
    assert shapes == [(4 * HIDDEN, INPUTS), (4 * HIDDEN,), (4 * HIDDEN, 3), (4 * HIDDEN, HIDDEN)]


def test_other_lengths_and_numbers_of_sequences_may_be_fed():
    exe = executable()
    small = executable(steps=1, sequences=7)
    feeds = feeds_for(small)
    close(exe(feeds)["y0"], by_definition(exe, feeds["x0"], feeds["x1"])[0])


def test_a_pass_goes_on_where_the_one_before_it_ended():
    exe = executable(steps=6)
    feeds = feeds_for(exe)
    whole = exe(feeds)["y0"]
    parts = [exe({k: v[a:b] for k, v in feeds.items()})["y0"] for a, b in ((0, 1), (1, 4), (4, 6))]
    torch.testing.assert_close(torch.cat(parts), whole)


def test_a_marker_of_zero_forgets():
    exe = executable()
    feeds = feeds_for(exe, begin=0.0)
    first = exe(feeds)["y0"]
    assert torch.equal(exe(feeds)["y0"], first)


def test_a_pass_gone_wrong_spoils_no_other():
    exe = executable()
    feeds = feeds_for(exe, begin=0.0)
    first = exe(feeds)["y0"]
    exe({**feeds, "x0": np.full_like(feeds["x0"], np.nan)})
    assert torch.equal(exe(feeds)["y0"], first)


def test_going_on_differs_from_beginning():
    exe = executable()
    feeds = feeds_for(exe, begin=1.0)
    first, second = exe(feeds)["y0"], exe(feeds)["y0"]
    assert not torch.allclose(first, second)
    _, h, c = by_definition(exe, feeds["x0"], feeds["x1"])
    close(second, by_definition(exe, feeds["x0"], feeds["x1"], None, h, c)[0])


def test_the_state_can_be_reset():
    exe = executable()
    feeds = feeds_for(exe, begin=1.0)
    first = exe(feeds)["y0"]
    for module in exe.modules():
        if hasattr(module, "reset_state"):
            module.reset_state()
    assert torch.equal(exe(feeds)["y0"], first)


def test_another_number_of_sequences_or_type_begins_anew():
    exe = executable()
    feeds = feeds_for(exe, begin=1.0)
    exe(feeds)
    one = {k: v[:, :1] for k, v in feeds.items()}
    close(exe(one)["y0"], by_definition(exe, one["x0"], one["x1"])[0])
    exe.double()
    close(exe(one)["y0"], by_definition(exe, one["x0"], one["x1"])[0])


def test_every_way_to_run_a_net_goes_on_with_the_same_state():
    exe = executable()
    feeds = feeds_for(exe, begin=1.0)
    exe(feeds)
    _, h, c = by_definition(exe, feeds["x0"], feeds["x1"])
    blobs = exe.run(feeds, ["y0", "x0"])  # another selection, another program
    close(blobs["y0"], by_definition(exe, feeds["x0"], feeds["x1"], None, h, c)[0])


def test_nets_that_share_parameters_remember_by_themselves():
    exe = executable()
    other = netdef.compile(exe.net, device="cpu", share=exe)
    feeds = feeds_for(exe, begin=1.0)
    first = exe(feeds)["y0"]
    assert torch.equal(other(feeds)["y0"], first)
    assert torch.equal(exe.optimized()(feeds)["y0"], first)


def test_no_gradient_crosses_from_one_pass_to_the_next():
    exe = executable()
    feeds = {k: torch.from_numpy(v) for k, v in feeds_for(exe, begin=1.0).items()}
    feeds["x1"].fill_(1.0)
    early = feeds["x0"].clone().requires_grad_()
    exe({**feeds, "x0": early})
    exe(feeds)["y0"].sum().backward()
    assert early.grad is None


def test_training_goes_on_from_a_state_of_inference_mode():
    exe = executable()
    feeds = feeds_for(exe, begin=1.0)
    with torch.inference_mode():
        exe(feeds)
    exe(feeds)["y0"].sum().backward()
    assert all(p.grad is not None for p in exe.parameters())


def test_the_state_is_no_weight():
    exe = executable()
    keys = set(exe.state_dict())
    exe(feeds_for(exe))
    assert set(exe.state_dict()) == keys
    assert len(list(exe.parameters())) == 3


@pytest.mark.parametrize(("static", "exposed"), [((), False), ((2,), False), ((2,), True)])
def test_gradients(static, exposed):
    exe = executable(static, exposed, steps=3, sequences=2).double()
    feeds = {k: torch.from_numpy(v).double() for k, v in feeds_for(exe).items()}
    if exposed:
        feeds["x1"].fill_(1.0)  # so that the first states count
    wanted = [k for k in feeds if k != "x1"]
    tensors = [feeds[k].requires_grad_() for k in wanted]
    count = len(tensors)

    def run(*values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(exe({**feeds, **dict(zip(wanted, values[:count], strict=True))}).values())

    assert torch.autograd.gradcheck(run, (*tensors, *exe.params["l"]))


def test_the_marker_gets_no_gradient():
    text = net_text(shapes_of()).replace('bottom: "x1"', 'bottom: "m"')
    scale = 'layer { name: "m" type: "Scale" bottom: "x1" top: "m" }\nlayer { name: "l"'
    exe = netdef.compile(netdef.loads(text.replace('layer { name: "l"', scale)), device="cpu")
    exe(feeds_for(exe))["y0"].sum().backward()
    assert exe.params["m"][0].grad is None


def test_the_cell_stays_exact_in_mixed_precision():
    exe = netdef.compile(netdef.loads(net_text(shapes_of())), device="cpu", precision="bf16")
    feeds = feeds_for(exe, begin=1.0)
    exe(feeds)
    (state,) = (m.state for m in exe.modules() if hasattr(m, "reset_state"))
    assert state[1].dtype == torch.float32
    y = exe(feeds)["y0"]
    _, h, c = by_definition(exe, feeds["x0"], feeds["x1"])
    expected = by_definition(exe, feeds["x0"], feeds["x1"], None, h, c)[0]
    np.testing.assert_allclose(y.detach().float().numpy(), expected, atol=0.02)


def test_the_cost_is_that_of_the_products():
    from netdef import catalog
    from netdef.contract.of_layer import instance_of

    layer = netdef.loads(net_text(shapes_of(static=(3,)))).layers[-1]
    kind = catalog.find("LSTM")
    cost = kind.cost(instance_of(layer, catalog.own_message(kind, layer.message)))
    per_step = 4 * HIDDEN * (INPUTS + HIDDEN) * SEQUENCES
    assert cost.macs == STEPS * per_step + 4 * HIDDEN * 3 * SEQUENCES


@pytest.mark.parametrize(
    ("shapes", "exposed", "tops", "parts"),
    [
        ([(5, 3, 4), (5, 2)], False, None, ["the marker must be (5, 3)"]),
        ([(5,), (5,)], False, None, ["the input must be (T, N, ...)"]),
        ([(0, 3, 4), (0, 3)], False, None, ["with T > 0"]),
        ([(5, 3, 4), (5, 3), (4, 2)], False, None, ["the static input must be (3, ...)"]),
        ([(5, 3, 4), (3,), (4, 2)], False, None, ["the marker", "the static input"]),
        (
            [(5, 3, 4), (5, 3), (1, 3, 2), (1, 2, 2)],
            True,
            None,
            ["a first state must be (1, 3, 2), not (1, 2, 2)"],
        ),
        ([(5, 3, 4), (5, 3)], True, None, ["4 or 5 bottoms with `expose_hidden`, not 2"]),
        ([(5, 3, 4), (5, 3)], False, 3, ["1 top without `expose_hidden`, not 3"]),
        ([(5, 3, 4), (5, 3)] * 2, False, 2, ["2 or 3 bottoms without", "1 top without"]),
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
    with pytest.raises(NetdefError, match="LSTM needs `num_output`"):
        netdef.loads(net_text(shapes_of()).replace(f"num_output: {HIDDEN}", ""))
