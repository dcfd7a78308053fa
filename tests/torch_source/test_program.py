"""Programs of torch.export, and packages of AOTInductor."""

import shutil
from pathlib import Path

import pytest
import torch

import netdef
from netdef.source import NetdefError
from netdef.torch_source import export_program as module
from netdef.torch_source.export_program import export_package, export_program

from .conftest import drawn

NET = """
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: [1, 3, 8, 8] } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "a/b" type: "InnerProduct" bottom: "conv" top: "a/b"
        inner_product_param { num_output: 5 } }
"""

RECURRENT = """
layer { name: "in" type: "Input" top: "x" top: "cont"
        input_param { shape { dim: [3, 2, 4] } shape { dim: [3, 2] } } }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
        recurrent_param { num_output: 2 } }
"""

DETECTIONS = """
layer { name: "in" type: "Input" top: "loc" top: "conf" top: "priors"
        input_param { shape { dim: [1, 20] } shape { dim: [1, 15] } shape { dim: [1, 2, 20] } } }
layer { name: "found" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "priors"
        top: "found" detection_output_param { num_classes: 3 nms_param { top_k: 4 } } }
"""


def test_any_batch(tmp_path: Path) -> None:
    """Loaded again it gives the net's numbers for every batch, also where the net has one item."""
    exe = drawn(netdef.loads(NET))
    done = export_program(exe, tmp_path / "net.pt2")
    assert done.inputs == {"data": ("N", 3, 8, 8)}
    program = torch.export.load(tmp_path / "net.pt2").module()
    for items in (1, 2, 7):
        x = torch.randn(items, 3, 8, 8, generator=torch.Generator().manual_seed(items))
        torch.testing.assert_close(program(x)["a/b"], exe({"data": x})["a/b"])


def test_state_is_not_kept(tmp_path: Path) -> None:
    """Each pass begins at zero, which is said; the number of steps is fixed."""
    done = export_program(drawn(netdef.loads(RECURRENT)), tmp_path / "net.pt2")
    assert {d.rule for d in done.warnings} == {"no-state", "fixed-batch"}
    program = torch.export.load(tmp_path / "net.pt2").module()
    x, cont = torch.ones(3, 2, 4), torch.ones(3, 2)
    assert torch.equal(program(x, cont)["h"], program(x, cont)["h"])


def test_what_cannot_be_followed(tmp_path: Path) -> None:
    """The layer is named at its place, and nothing is left behind."""
    exe = drawn(netdef.loads(DETECTIONS, name="net.prototxt"))
    with pytest.raises(NetdefError, match="cannot follow layer `found`") as caught:
        export_program(exe, tmp_path / "net.pt2")
    (fault,) = caught.value.diagnostics
    assert fault.rule == "not-traceable" and fault.span is not None
    assert not list(tmp_path.iterdir())


def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is said before anything is done."""
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    with pytest.raises(NetdefError, match=r"needs a C\+\+ compiler .*, not found here"):
        export_package(drawn(netdef.loads(NET)), tmp_path, "net")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")
def test_a_package(tmp_path: Path) -> None:
    """Compiled for this machine, loaded again, compared at two batches."""
    done = export_package(drawn(netdef.loads(NET)), tmp_path / "made", "net")
    assert done.path == tmp_path / "made" / "net.pt2" and done.path.exists()
    assert done.inputs == {"data": ("N", 3, 8, 8)}
