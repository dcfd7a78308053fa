"""Weights of other trainings: what is taken, what is left, what is frozen."""

from pathlib import Path

import pytest
import torch

import netdef
from netdef.training.freeze import count_parameters
from netdef.weights import Weights, read_weights, write_weights

from .conftest import NET, SOLVER


@pytest.fixture
def parts(folder: Path) -> tuple[Path, Path, Weights]:
    """A trained net's layers in two files: `fc` and `norm` in one, `out` and a stranger beside."""
    solver = netdef.Solver("solver.prototxt")
    solver.step(2)
    trained = read_weights(solver.snapshot()[0])
    arrays = {x.name: [b for b in x.blobs if b is not None] for x in trained.layers if x.has_blobs}
    below, above = folder / "below.caffemodel", folder / "above.safetensors"
    write_weights(below, Weights.from_arrays({name: arrays[name] for name in ("fc", "norm")}))
    write_weights(above, Weights.from_arrays({"out": arrays["out"], "aux": arrays["out"]}))
    return below, above, Weights.from_arrays(arrays)


def agree(solver: netdef.Solver, wanted: Weights, *names: str) -> bool:
    """Whether layers of the train net have these values."""
    return all(
        torch.equal(tensor.detach(), torch.from_numpy(blob.copy()))
        for layer in wanted.layers
        if layer.name in names
        for tensor, blob in zip(solver.model.params[layer.name], layer.blobs, strict=True)
        if blob is not None
    )


def test_several_files(parts: tuple[Path, Path, Weights]) -> None:
    """Each gives its layers; what neither has is missing."""
    below, above, wanted = parts
    solver = netdef.Solver("solver.prototxt", weights=[below, above])
    assert agree(solver, wanted, "fc", "norm", "out")
    (_, first), (_, second) = solver.transferred.files
    assert (first.copied, first.missing) == (("fc", "norm"), ("out",))
    assert (second.copied, second.unused) == (("out",), ("aux",))
    assert solver.transferred.missing == []
    assert netdef.Solver("solver.prototxt", weights=[below]).transferred.missing == ["out"]


def test_files_that_the_solver_names(folder: Path, parts: tuple[Path, Path, Weights]) -> None:
    """A comma list or repeated, and not read when others are given."""
    below, above, wanted = parts
    for fields in (f'weights: "{below}, {above}"', f'weights: "{below}" weights: "{above}"'):
        (folder / "solver.prototxt").write_text(SOLVER + fields)
        assert agree(netdef.Solver("solver.prototxt"), wanted, "fc", "norm", "out")
    other = netdef.Solver("solver.prototxt", weights=[below])
    assert not agree(other, wanted, "out")
    assert other.transferred.missing == ["out"]


def test_shapes_that_differ(folder: Path, parts: tuple[Path, Path, Weights]) -> None:
    """An error with both shapes, as in the reference; or the whole layer is left as it was."""
    below, above, wanted = parts
    (folder / "net.prototxt").write_text(NET.replace("num_output: 4", "num_output: 5"))
    (folder / "solver.prototxt").write_text(SOLVER + f'weights: "{below},{above}"')
    with pytest.raises(netdef.NetdefError, match=r"\(4, 12\) but \(5, 12\) in the net"):
        netdef.Solver("solver.prototxt")
    fresh = netdef.Solver("solver.prototxt", weights=[])
    solver = netdef.Solver("solver.prototxt", skip_mismatched=True)
    assert agree(solver, wanted, "fc", "norm")
    assert all(map(torch.equal, solver.model.params["out"], fresh.model.params["out"]))
    (left,) = solver.transferred.files[1][1].mismatched
    assert (left.layer, left.stored, left.wanted) == ("out", ((4, 12), (4,)), ((5, 12), (5,)))


def test_layers_of_test_nets_only(folder: Path, parts: tuple[Path, Path, Weights]) -> None:
    """What only a test net has gets its values from the files, too."""
    below, above, wanted = parts
    extra = (
        'layer { name: "aux" type: "InnerProduct" bottom: "fc" top: "aux" '
        "inner_product_param { num_output: 4 } include { phase: TEST } }"
    )
    (folder / "net.prototxt").write_text(NET + extra)
    solver = netdef.Solver("solver.prototxt", weights=[below, above])
    stored = next(layer for layer in wanted.layers if layer.name == "out")
    assert stored.blobs[0] is not None
    loaded = solver.tests[0].params["aux"][0].detach()
    assert torch.equal(loaded, torch.from_numpy(stored.blobs[0].copy()))


def test_layers_below_the_lowest_trained_have_no_backward_pass(folder: Path) -> None:
    """Their tops have no graph, so that nothing is kept for a backward pass; those above learn."""
    solver = netdef.Solver("solver.prototxt", freeze=["f*"])
    batch = solver.data.next_train()
    values = {blob.id: value for blob, value in solver.model.trace(batch).items()}
    frozen = {name for name, value in values.items() if value.grad_fn is None}
    assert frozen == {"data", "label", "fc", "fc#1", "fc#2", "fc#3"}
    assert count_parameters(solver.model) == (12 * 4 + 4, 6 * 12 + 12)
    before = {name: [t.clone() for t in ts] for name, ts in solver.model.params.items()}
    solver.step(3)
    assert all(map(torch.equal, before["fc"], solver.model.params["fc"]))
    assert not torch.equal(before["out"][0], solver.model.params["out"][0])


def test_a_frozen_layer_between_trained_ones(folder: Path) -> None:
    """It stays, and the gradient passes through it."""
    solver = netdef.Solver("solver.prototxt", freeze=["out"])
    before = {name: [t.clone() for t in ts] for name, ts in solver.model.params.items()}
    solver.step(3)
    assert all(map(torch.equal, before["out"], solver.model.params["out"]))
    assert not torch.equal(before["fc"][0], solver.model.params["fc"][0])


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("fcc", "did you mean `fc`"), ("conv*", "no-such-layer"), ("*", "all-frozen")],
)
def test_patterns_that_make_no_sense(folder: Path, pattern: str, message: str) -> None:
    """No such layer, or nothing left to train."""
    with pytest.raises(netdef.NetdefError, match=message):
        netdef.Solver("solver.prototxt", freeze=[pattern])
