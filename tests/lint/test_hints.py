"""Each hint, in a net that has it and in one that does not."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import netdef
from netdef import lint
from netdef.cli import main
from netdef.source import Severity

DATA = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 4, 9, 9] } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: [2] } } }
layer { name: "read" type: "Silence" bottom: "label" }
"""


def layer(name: str, type: str, bottom: str, text: str = "", top: str | None = None) -> str:
    """A layer with one bottom and one top."""
    ends = f'bottom: "{bottom}" top: "{top or name}"'
    return f'layer {{ name: "{name}" type: "{type}" {ends} {text} }}\n'


def ip(name: str, bottom: str, text: str = "") -> str:
    """A fully connected layer."""
    return layer(name, "InnerProduct", bottom, f"inner_product_param {{ num_output: 4 }} {text}")


def loss(bottom: str, type: str = "SoftmaxWithLoss") -> str:
    """A loss on `bottom` and the label."""
    return (
        f'layer {{ name: "loss" type: "{type}" bottom: "{bottom}" bottom: "label" top: "loss" }}\n'
    )


CONV = "convolution_param { num_output: 4 kernel_size: 3 %s }"
FROZEN = "param { lr_mult: 0 } param { lr_mult: 0 }"
BN = "BatchNorm"

HAVE = {
    "stride-beyond-kernel": [
        layer("pool", "Pooling", "data", "pooling_param { kernel_size: 2 stride: 3 }"),
        layer("conv", "Convolution", "data", CONV % "stride: 1 stride: 4"),
        layer(
            "pool",
            "Pooling",
            "data",
            "pooling_param { kernel_h: 2 kernel_w: 2 stride_h: 1 stride_w: 3 }",
        ),
    ],
    "batch-norm-without-scale": [
        layer("bn", BN, "data") + layer("relu", "ReLU", "bn"),
        layer("bn", BN, "data", top="data") + layer("relu", "ReLU", "data", top="data"),
    ],
    "bias-before-batch-norm": [
        layer("conv", "Convolution", "data", CONV % "") + layer("bn", BN, "conv"),
        ip("ip", "data") + layer("bn", BN, "ip", top="ip"),
    ],
    "dropout-at-the-end": [
        ip("ip", "data") + layer("drop", "Dropout", "ip"),
        ip("ip", "data") + layer("drop", "Dropout", "ip", top="ip") + loss("ip"),
        ip("ip", "data") + layer("drop", "Dropout", "ip") + layer("prob", "Softmax", "drop"),
    ],
    "softmax-before-loss": [
        ip("ip", "data") + layer("prob", "Softmax", "ip") + loss("prob"),
        layer("ip", "InnerProduct", "data", "inner_product_param { num_output: 1 }")
        + layer("prob", "Sigmoid", "ip")
        + loss("prob", "SigmoidCrossEntropyLoss"),
    ],
    "frozen-above-trained": [
        ip("low", "data") + ip("high", "low", FROZEN) + loss("high"),
        ip("low", "data")
        + layer("relu", "ReLU", "low")
        + ip("high", "relu", FROZEN)
        + loss("high"),
    ],
    "unused-top": [
        'layer { name: "idle" type: "Input" top: "idle" input_param { shape { dim: 1 } } }',
        ip("ip", "data") + layer("side", "TanH", "ip") + loss("ip"),
    ],
}
LACK = {
    "stride-beyond-kernel": [
        layer("pool", "Pooling", "data", "pooling_param { kernel_size: 3 stride: 3 }"),
        layer("conv", "Convolution", "data", CONV % "dilation: 2 stride: 4"),
        # The shortcuts of residual nets.
        layer(
            "conv",
            "Convolution",
            "data",
            "convolution_param { num_output: 4 kernel_size: 1 stride: 2 }",
        ),
    ],
    "batch-norm-without-scale": [
        layer("bn", BN, "data") + layer("scale", "Scale", "bn"),
        layer("bn", BN, "data") + ip("ip", "bn"),
        layer("bn", BN, "data"),
    ],
    "bias-before-batch-norm": [
        layer("conv", "Convolution", "data", CONV % "bias_term: false") + layer("bn", BN, "conv"),
        layer("conv", "Convolution", "data", CONV % "")
        + layer("bn", BN, "conv", "batch_norm_param { use_global_stats: true }"),
        layer("conv", "Convolution", "data", CONV % "")
        + layer("bn", BN, "conv")
        + layer("relu", "ReLU", "conv"),
    ],
    "dropout-at-the-end": [
        layer("drop", "Dropout", "data") + ip("ip", "drop"),
        layer("drop", "Dropout", "data")
        + layer("odd", "QuantumFlux", "drop")
        + layer("relu", "ReLU", "odd"),
    ],
    "softmax-before-loss": [
        ip("ip", "data") + layer("prob", "Softmax", "ip") + loss("ip"),
        ip("ip", "data") + layer("prob", "Sigmoid", "ip") + loss("prob"),
    ],
    "frozen-above-trained": [
        ip("low", "data", FROZEN) + ip("high", "low") + loss("high"),
        ip("low", "data") + ip("high", "low", f"{FROZEN} propagate_down: false") + loss("high"),
        ip("low", "data") + ip("high", "low", FROZEN),
    ],
    "unused-top": [
        layer("relu", "ReLU", "data"),
        ip("ip", "data") + layer("side", "TanH", "ip", "include { phase: TEST }") + loss("ip"),
        ip("ip", "data")
        + loss("ip")
        + 'layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" }',
    ],
}


def rules_of(text: str, folder: Path) -> set[str]:
    """The rules of the hints of a net, which has no errors."""
    path = folder / "net.prototxt"
    path.write_text(DATA + text)
    found = netdef.check(path)
    assert [d for d in found if d.is_error] == []
    assert all(d.span is not None and d.note for d in found if d.severity is Severity.HINT)
    return {d.rule for d in found if d.severity is Severity.HINT}


def test_every_hint_has_both() -> None:
    """A file of netdef/lint that is not tested here is a mistake."""
    files = {path.stem for path in Path(lint.__file__).parent.glob("*.py")} - {"__init__"}
    assert {rule.replace("-", "_") for rule in HAVE} == set(files)
    assert set(HAVE) == set(LACK)


@pytest.mark.parametrize(("rule", "text"), [(r, t) for r, ts in HAVE.items() for t in ts])
def test_has_it(rule: str, text: str, tmp_path: Path) -> None:
    """The hint is given."""
    assert rule in rules_of(text, tmp_path)


@pytest.mark.parametrize(("rule", "text"), [(r, t) for r, ts in LACK.items() for t in ts])
def test_does_not_have_it(rule: str, text: str, tmp_path: Path) -> None:
    """The hint is not given."""
    assert rule not in rules_of(text, tmp_path)


def test_hints_can_be_left_out(tmp_path: Path) -> None:
    """By the keyword and by the option; they never change the exit code."""
    path = tmp_path / "net.prototxt"
    path.write_text(DATA + HAVE["stride-beyond-kernel"][0])
    assert [d.rule for d in netdef.check(path)] == ["stride-beyond-kernel"]
    assert netdef.check(path, hints=False) == []
    shown = CliRunner().invoke(main, ["check", str(path)])
    assert shown.exit_code == 0 and "hint[stride-beyond-kernel]" in shown.output
    silent = CliRunner().invoke(main, ["check", str(path), "--no-hints"])
    assert silent.exit_code == 0 and silent.output == f"{path}: no faults found\n"


def test_no_hints_beside_errors(tmp_path: Path) -> None:
    """What mends the errors may do away with the hints, too."""
    path = tmp_path / "net.prototxt"
    path.write_text(DATA + HAVE["stride-beyond-kernel"][0] + layer("relu", "ReLU", "nowhere"))
    assert [d.rule for d in netdef.check(path)] == ["unknown-bottom"]


def test_loaded_nets_carry_no_hints() -> None:
    """They are for whoever checks a file."""
    assert netdef.loads(DATA + HAVE["stride-beyond-kernel"][0]).diagnostics == ()


@pytest.mark.parametrize("type", ["BatchNorm", "Dropout", "Softmax", "Convolution", "InnerProduct"])
@pytest.mark.parametrize("ends", ["", 'bottom: "data"', 'top: "x"', 'bottom: "no" top: "x"'])
def test_hints_survive_layers_without_ends(tmp_path: Path, type: str, ends: str) -> None:
    """A layer that lacks a bottom or a top is a fault, and no hint stumbles over it."""
    path = tmp_path / "net.prototxt"
    path.write_text(DATA + f'layer {{ name: "a" type: "{type}" {ends} }}')
    assert any(d.is_error for d in netdef.check(path, hints=True))
