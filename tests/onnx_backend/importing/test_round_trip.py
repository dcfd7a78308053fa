"""Exported, imported, exported again: the same outputs, within 1e-5 of the largest value."""

import warnings
from pathlib import Path
from zlib import crc32

import numpy as np
import onnxruntime
import pytest
import torch

import netdef
from netdef import catalog
from netdef.ir import Net
from netdef.onnx_backend.feeds import random_feed
from netdef.source import NetdefError
from netdef.torch_backend.executable import Executable

ROOT = Path(__file__).parents[3]
MODELS = sorted((ROOT / "models").glob("*/deploy.prototxt"))
NETS = sorted((ROOT.parent / "shared" / "conformance" / "nets").glob("*.prototxt"))
QUICK = {"cifar10_full", "mnist_siamese", "squeezenet_v1.1"}
BAR = 1e-5

ONE_WAY = {
    "ArgMax", "DetectionOutput", "Filter", "Im2col", "PSROIPooling", "Pooling", "Pooling3D",
    "Proposal", "ProposalLayer", "ROIPooling", "SPP", "Upsample",
}  # fmt: skip
"""Types that, with some of their settings, become operators without a Caffe meaning."""

EXAMPLES = [
    pytest.param(name, index, id=f"{name}-{index}", marks=[pytest.mark.slow] if index else [])
    for name in catalog.names()
    for index, example in enumerate(catalog.find(name).examples)
    if not example.random and catalog.find(name).role not in ("loss", "metric", "source", "data")
]


def program(net: Net) -> Executable:
    """The net with parameters that are drawn by name, positive like variances and counts."""
    exe = netdef.compile(net, device="cpu")
    with torch.no_grad():
        for name, tensors in exe.params.items():
            generator = torch.Generator().manual_seed(crc32(name.encode()))
            for tensor in tensors:
                fan_in = max(tensor.numel() // max(len(tensor), 1), 1) if tensor.dim() else 1
                values = torch.rand(tensor.shape, generator=generator) + 0.5
                signs = torch.randint(0, 2, tensor.shape, generator=generator) * 2 - 1
                tensor.copy_(values * signs / fan_in**0.5 if tensor.dim() > 1 else values)
    return exe


def there_and_back(net: Net, folder: Path) -> None:
    """Compare both files on random input."""
    first, second = folder / "net.onnx", folder / "again.onnx"
    netdef.export_onnx(net, first, executable=program(net), dynamic_batch=False)
    done = netdef.import_onnx(first, folder / "imported")
    again = netdef.load(done.net)
    assert not [d for d in again.diagnostics if d.is_error]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        netdef.export_onnx(again, second, done.weights, dynamic_batch=False)
    one, other = onnxruntime.InferenceSession(first), onnxruntime.InferenceSession(second)
    assert [o.name for o in other.get_outputs()] == [o.name for o in one.get_outputs()]
    shapes = {i.name: tuple(i.shape) for i in one.get_inputs()}
    left = {i.name: tuple(i.shape) for i in other.get_inputs()}
    assert left == {name: shapes[name] for name in done.inputs}
    feed = random_feed(net, shapes)
    results = other.run(None, {name: feed[name] for name in left})
    for values, wanted in zip(results, one.run(None, feed), strict=True):
        assert values.shape == wanted.shape
        finite = np.isfinite(wanted)
        np.testing.assert_array_equal(values[~finite], wanted[~finite])
        largest = np.abs(wanted[finite]).max(initial=0.0)
        assert np.abs(values - wanted)[finite].max(initial=0.0) <= BAR * max(1.0, largest)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.parent.name)
def test_models(path: Path, tmp_path: Path) -> None:
    """Those that netdef brings."""
    there_and_back(netdef.load(path), tmp_path)


@pytest.mark.skipif(not NETS, reason="the published files are not ours to carry along")
@pytest.mark.parametrize(
    "path",
    [pytest.param(p, marks=[] if p.stem in QUICK else [pytest.mark.slow]) for p in NETS],
    ids=lambda path: path.stem,
)
def test_published_nets(path: Path, tmp_path: Path) -> None:
    """At batch 1."""
    net = netdef.load(path)
    shapes = {name: (1, *(net.blobs[name].shape or ())[1:]) for name in net.inputs}
    there_and_back(netdef.load(path, shapes=shapes), tmp_path)


@pytest.mark.parametrize(("name", "index"), EXAMPLES)
def test_layers(name: str, index: int, tmp_path: Path) -> None:
    """The examples of every type that ONNX can express."""
    example = catalog.find(name).examples[index]
    try:
        net = netdef.loads(example.prototxt(name), phase=example.phase)
        netdef.export_onnx(net, tmp_path / "net.onnx")
    except NetdefError as fault:
        pytest.skip(fault.diagnostics[0].message)
    try:
        there_and_back(net, tmp_path)
    except NetdefError as fault:
        assert {d.rule for d in fault.diagnostics} == {"not-in-caffe"}, fault
        assert name in ONE_WAY, fault
