"""DummyData: a source that fills its own tops, unless they are fed."""

import math

import numpy as np
import pytest
import torch

import netdef
from netdef.source import NetdefError


def net_text(fields: str, tops: int = 1, rest: str = "") -> str:
    names = " ".join(f'top: "t{i}"' for i in range(tops))
    return (
        f'layer {{ name: "d" type: "DummyData" {names} dummy_data_param {{ {fields} }} }}\n{rest}'
    )


def executable(fields: str, tops: int = 1, rest: str = ""):
    return netdef.compile(netdef.loads(net_text(fields, tops, rest)), device="cpu")


def test_zeros_when_no_filler_is_given():
    y = executable("shape { dim: 2 dim: 3 }")({})["t0"]
    assert torch.equal(y, torch.zeros(2, 3))


def test_one_filler_and_one_shape_for_all_tops():
    blobs = executable("shape { dim: 2 } data_filler { value: 3 }", 3)({})
    assert [blobs[f"t{i}"].tolist() for i in range(3)] == [[3, 3]] * 3


def test_a_filler_and_a_shape_per_top():
    fields = """
      shape { dim: 2 } shape { dim: 3 dim: 1 }
      data_filler { type: "constant" value: 5 } data_filler { type: "uniform" min: 7 max: 8 }
    """
    blobs = executable(fields, 2)({})
    assert blobs["t0"].tolist() == [5, 5]
    assert blobs["t1"].shape == (3, 1)
    assert ((blobs["t1"] >= 7) & (blobs["t1"] <= 8)).all()


def test_the_old_form_of_shapes_is_once_or_per_top():
    fields = "num: 2 num: 5 channels: 3 height: 4 height: 1 width: 6"
    net = netdef.loads(net_text(fields, 2))
    assert [net.blobs[f"t{i}"].shape for i in range(2)] == [(2, 3, 4, 6), (5, 3, 1, 6)]


def test_random_fillers_fill_anew_and_a_seed_repeats_them():
    exe = executable('shape { dim: 1000 } data_filler { type: "gaussian" mean: 4 std: 2 }')
    torch.manual_seed(0)
    first, second = exe({})["t0"], exe({})["t0"]
    torch.manual_seed(0)
    assert torch.equal(exe({})["t0"], first)
    assert not torch.equal(first, second)
    assert abs(first.mean() - 4) < 0.3
    assert abs(first.std() - 2) < 0.2


def distance(values: np.ndarray, below: np.ndarray) -> float:
    """Kolmogorov and Smirnov's statistic; `below` is the share of values below each, sorted."""
    steps = np.arange(values.size + 1) / values.size
    return max((below - steps[:-1]).max(), (steps[1:] - below).max())


def test_every_top_and_every_run_has_the_distribution_of_its_filler():
    fields = """
      shape { dim: 100 dim: 200 }
      data_filler { type: "uniform" min: -2 max: 3 }
      data_filler { type: "gaussian" mean: 1 std: 2 }
      data_filler { type: "gaussian" mean: 1 std: 2 }
    """
    exe = executable(fields, 3)
    torch.manual_seed(0)
    runs = [exe({}) for _ in range(2)]
    samples = [top.double().numpy().ravel() for blobs in runs for top in blobs.values()]
    most = np.sqrt(np.log(2 / 1e-6) / (2 * 20_000))  # exceeded once in a million samples
    erf = np.vectorize(math.erf)
    for uniform, *gaussian in (samples[:3], samples[3:]):
        assert uniform.min() >= -2 and uniform.max() < 3
        assert distance(uniform, (np.sort(uniform) + 2) / 5) < most
        for values in gaussian:
            below = (1 + erf((np.sort(values) - 1) / np.sqrt(8))) / 2
            assert distance(values, below) < most
    correlation = np.corrcoef(samples) - np.eye(6)
    assert np.abs(correlation).max() < 5 / np.sqrt(20_000)


RELU = 'layer { name: "r" type: "ReLU" bottom: "t0" top: "y" }'


def test_it_is_an_input_that_need_not_be_given():
    exe = executable("shape { dim: 2 dim: 2 } data_filler { value: 3 }", rest=RELU)
    assert exe.net.inputs == ["t0"]
    assert exe({})["y"].tolist() == [[3, 3], [3, 3]]
    x = np.array([[-1.0, 1], [2, -2], [3, 4]], np.float32)
    assert exe({"t0": x})["y"].tolist() == [[0, 1], [2, 0], [3, 4]]


def test_one_top_may_be_fed_and_the_other_made():
    loss = 'layer { name: "l" type: "EuclideanLoss" bottom: "t0" bottom: "t1" top: "loss" }'
    exe = executable("shape { dim: 2 dim: 2 } data_filler { value: 1 }", 2, loss)
    assert exe({})["loss"] == 0
    assert exe({"t0": np.full((2, 2), 3)})["loss"] == 4


def test_a_shape_from_outside_replaces_the_written_one():
    net = netdef.loads(net_text("shape { dim: 2 dim: 2 }"), shapes={"t0": (5, 1)})
    assert netdef.compile(net, device="cpu")({})["t0"].shape == (5, 1)


def test_a_constant_stays_what_it_is_when_a_layer_works_on_it_in_place():
    rest = 'layer { name: "r" type: "ReLU" bottom: "t0" top: "t0" }'
    exe = executable("shape { dim: 2 } data_filler { value: -3 }", rest=rest)
    assert exe({})["t0"].tolist() == exe({})["t0"].tolist() == [0, 0]


def test_it_follows_the_program_to_another_type_and_device():
    exe = executable('shape { dim: 2 } data_filler { type: "uniform" }', rest=RELU)
    assert exe.double()({})["y"].dtype == torch.float64
    assert exe.to(torch.bfloat16)({})["y"].dtype == torch.bfloat16


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_is_made_where_the_program_is():
    net = netdef.loads(net_text('shape { dim: 2 } data_filler { type: "xavier" }', rest=RELU))
    assert netdef.compile(net, device="cuda")({})["y"].device.type == "cuda"
    assert netdef.compile(net, device="cpu").to("cuda")({})["y"].device.type == "cuda"


def test_it_compiles_as_one_graph():
    exe = executable('shape { dim: 2 } data_filler { type: "gaussian" sparse: 1 }', 2)
    (module,) = exe.layers.values()
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    assert [top.shape for top in compiled()] == [(2,), (2,)]


def faults(fields: str, tops: int = 1) -> list[tuple[str, str]]:
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text(fields, tops))
    return [(d.rule, d.message) for d in caught.value.diagnostics if d.is_error]


def test_faults():
    assert faults("") == [("missing-field", "DummyData needs `shape`")]
    assert faults("num: 1 channels: 2 height: 3") == [
        ("missing-field", "DummyData needs `width`"),
    ]
    assert faults("num: 1 channels: 1 height: 1 width: 1 shape { dim: 2 }") == [
        ("bad-value", "give `shape` or, as in old files, `num`; not both"),
    ]
    assert faults("shape { dim: 2 } shape { dim: -2 } data_filler {} data_filler {}", 3) == [
        ("bad-value", "`shape` is given 2 times for 3 tops; give it once or per top"),
        ("bad-value", "a size cannot be negative, as -2 is"),
        ("bad-value", "`data_filler` is given 2 times for 3 tops; give it once or per top"),
    ]


def test_a_filler_that_does_not_exist_is_refused():
    with pytest.raises(NetdefError) as caught:
        netdef.loads(net_text('shape { dim: 2 } data_filler { type: "gausian" }'))
    (fault,) = caught.value.diagnostics
    assert fault.message == "`gausian` is not a filler"
    assert fault.note == "did you mean `gaussian`?"


def places(text: str) -> list[tuple[str, int, int]]:
    with pytest.raises(NetdefError) as caught:
        netdef.loads(text)
    return [(d.rule, d.span.line, d.span.column) for d in caught.value.diagnostics if d.span]


def test_numbers_of_a_filler_are_checked_at_their_place():
    text = net_text('shape { dim: 2 }\ndata_filler { type: "uniform" min: 2 max: 1 }')
    assert places(text) == [("bad-filler", 2, 36)]


def test_a_filler_that_cannot_fill_the_shape_is_refused():
    text = net_text('shape { dim: 2 dim: 3 }\ndata_filler {}\ndata_filler { type: "bilinear" }', 2)
    assert places(text) == [("bad-filler", 3, 21)]
