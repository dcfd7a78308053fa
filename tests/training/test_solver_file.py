"""Solver files, as `check` and as training see them."""

from pathlib import Path

import pytest

import netdef
from netdef.training.solver_file import load_solver

NET = """
layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 dim: 3 } } }
layer { name: "fc" type: "InnerProduct" bottom: "x" top: "fc" inner_product_param { num_output: 1 }}
layer { name: "l" type: "EuclideanLoss" bottom: "fc" bottom: "fc" top: "l" }
"""
PLAIN = 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 10\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a net."""
    (tmp_path / "net.prototxt").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(text: str) -> list[tuple[str, str]]:
    """Return severities and rules of what a check finds."""
    Path("solver.prototxt").write_text(text)
    return [(str(d.severity), d.rule) for d in netdef.check("solver.prototxt")]


def refused(text: str) -> list[str]:
    """Return the rules of what keeps it from training."""
    Path("solver.prototxt").write_text(text)
    try:
        load_solver("solver.prototxt")
    except netdef.NetdefError as fault:
        return [d.rule for d in fault.diagnostics if d.is_error]
    return []


def test_plain(folder: Path) -> None:
    """Nothing to say."""
    assert checked(PLAIN) == []
    assert refused(PLAIN) == []


@pytest.mark.parametrize("name", ["AdaGrad", "RMSProp", "AdaDelta", "Adam", "Nesterov"])
def test_types(folder: Path, name: str) -> None:
    """Every type that the reference has is fine in a file."""
    assert checked(PLAIN + f'type: "{name}"') == []


def test_momentum(folder: Path) -> None:
    """Two types refuse it."""
    assert checked(PLAIN + 'type: "AdaGrad" momentum: 0.9') == [("error", "bad-value")]
    assert checked(PLAIN + 'type: "Adam" momentum: 0.9') == []


@pytest.mark.parametrize(("old", "new"), [("ADAM", "Adam"), ("5", "Adam"), ("SGD", "SGD")])
def test_deprecated(folder: Path, old: str, new: str) -> None:
    """The old field is named with what replaces it."""
    assert checked(PLAIN + f"solver_type: {old}") == [("warning", "deprecated-field")]
    (warning,) = netdef.check("solver.prototxt")
    assert warning.note is not None
    assert f'`type: "{new}"`' in warning.note
    assert warning.span is not None
    assert warning.span.file.text[warning.span.start : warning.span.end] == "solver_type"


@pytest.mark.parametrize(
    ("policy", "fields", "found"),
    [
        ("step", "gamma: 0.1 stepsize: 5", []),
        ("step", "gamma: 0.1", [("error", "missing-field")]),
        ("step", "gamma: 0.1 stepsize: 0", [("error", "bad-value")]),
        ("step", "stepsize: 5", [("warning", "missing-field")]),
        ("fixed", "stepsize: 0", []),
        ("exp", "", [("warning", "missing-field")]),
        ("inv", "gamma: 1", [("warning", "missing-field")]),
        ("multistep", "gamma: 0.1", [("warning", "missing-field")]),
        ("poly", "power: 1", []),
        ("sigmoid", "gamma: 1 stepsize: 0", []),
        ("plateau", "gamma: 0.1 plateau_winsize: 5", []),
        ("fixd", "", [("error", "unknown-policy")]),
    ],
)
def test_policies(folder: Path, policy: str, fields: str, found: list[tuple[str, str]]) -> None:
    """An error is what the reference stops at; what has little effect is a warning."""
    text = PLAIN.replace("fixed", policy) + fields
    assert checked(text) == found
    assert bool(refused(text)) == bool(found)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("test_iter: 1 test_interval: 5", []),
        ("test_iter: 1", [("error", "missing-field")]),
        ('test_net: "net.prototxt" test_interval: 5', [("error", "test-iter-count")]),
        ('test_net: "net.prototxt" test_iter: 1 test_iter: 2 test_interval: 5', []),
        ("test_iter: 1 test_state {} test_state {} test_interval: 5",
         [("error", "test-state-count")]),
    ],
)  # fmt: skip
def test_tests(folder: Path, fields: str, found: list[tuple[str, str]]) -> None:
    """One test_iter per test net, and an interval."""
    assert checked(PLAIN + fields) == found
    assert refused(PLAIN + fields) == [rule for _, rule in found]


def test_idle_tests(folder: Path) -> None:
    """Forks leave test_iter standing without a net to test; that is no fault, and no test."""
    text = PLAIN.replace("net:", "train_net:") + "test_iter: 100 test_interval: 0"
    assert checked(text) == [("warning", "test-iter-count")]
    assert load_solver("solver.prototxt").tests == ()


def test_missing_nets(folder: Path) -> None:
    """A warning in a check, once per place; an error where it is needed."""
    text = PLAIN.replace("net.proto", "nowhere.proto") + "test_iter: 1 test_interval: 5"
    assert checked(text) == [("warning", "missing-file")]
    assert refused(text) == ["missing-file"]
    text = PLAIN.replace("net:", "train_net:").replace("net.proto", "nowhere.proto")
    text += 'test_net: "neither.prototxt" test_iter: 1 test_interval: 5'
    assert checked(text) == [("warning", "missing-file")] * 2


def test_no_net(folder: Path) -> None:
    """The command line may give it; two are too many."""
    text = PLAIN.removeprefix('net: "net.prototxt"')
    assert checked(text) == [("warning", "no-net")]
    assert refused(text) == ["no-net"]
    assert load_solver("solver.prototxt", "net.prototxt").tests == ()
    assert checked(PLAIN + 'train_net: "net.prototxt"') == [("error", "solver-net")]
