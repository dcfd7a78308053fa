"""Python layers: only where allowed, with Caffe's interface, and clear about their own faults."""

import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import netdef
from netdef.cli import main
from netdef.source import NetdefError

MODULE = '''
import caffe
import numpy as np

ran = True

class Distance(caffe.Layer):
    """Euclidean loss, with a factor from param_str and a learned shift."""

    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise Exception("needs two bottoms")
        self.factor = float(self.param_str or 1)
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = 0.5

    def reshape(self, bottom, top):
        self.difference = np.zeros_like(bottom[0].data)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.difference[...] = bottom[0].data - bottom[1].data + self.blobs[0].data
        top[0].data[...] = self.factor * np.sum(self.difference ** 2) / bottom[0].num / 2

    def backward(self, top, propagate_down, bottom):
        self.forward(bottom, top)
        part = self.factor * self.difference / bottom[0].num * top[0].diff
        for i, sign in enumerate((1, -1)):
            if propagate_down[i]:
                bottom[i].diff[...] = sign * part
        self.blobs[0].diff[...] += part.sum()

class Source(caffe.Layer):
    def setup(self, bottom, top):
        self.count = 0
    def reshape(self, bottom, top):
        top[0].reshape(2, 3)
    def forward(self, bottom, top):
        self.count += 1
        top[0].data[...] = self.count + 10 * (self.phase == caffe.TEST)

class Uneven(caffe.Layer):
    def setup(self, bottom, top):
        self.blobs.add_blob(2)
        self.blobs[0].data[...] = [1, 2]
    def reshape(self, bottom, top):
        pass

class Broken(caffe.Layer):
    def setup(self, bottom, top):
        pass
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        raise ValueError("no luck")
'''
INPUTS = """
layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: [2, 3] } } }
"""
LOSS = """
layer { name: "t" type: "Python" bottom: "a" bottom: "b" top: "loss" loss_weight: 1
        python_param { module: "distance" layer: "Distance" param_str: "3" } }
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "distance.py").write_text(MODULE)
    (tmp_path / "net.prototxt").write_text(INPUTS + LOSS)
    monkeypatch.chdir(tmp_path.parent)
    yield tmp_path
    sys.modules.pop("distance", None)


def write(folder, text):
    path = folder / "other.prototxt"
    path.write_text(text)
    return path


def test_nothing_runs_unless_allowed(folder):
    net = netdef.load(folder / "net.prototxt")
    (diagnostic,) = net.diagnostics
    assert diagnostic.rule == "python-not-allowed"
    assert net.blobs["loss"].shape is None
    assert "distance" not in sys.modules
    with pytest.raises(NetdefError, match="not run unless allowed"):
        netdef.compile(net, device="cpu")
    assert "distance" not in sys.modules


def test_a_layer_without_tops_does_not_run_either(folder):
    path = write(folder, INPUTS + LOSS.replace('top: "loss" loss_weight: 1', ""))
    with pytest.raises(NetdefError, match="not run unless allowed"):
        netdef.compile(netdef.load(path), device="cpu")
    assert "distance" not in sys.modules


def test_values_and_gradients(folder):
    exe = netdef.compile(netdef.load(folder / "net.prototxt", allow_python=True), device="cpu")
    assert exe.params["t"][0].tolist() == [0.5]
    feed = {name: torch.randn(2, 3).requires_grad_() for name in "ab"}
    loss = exe.loss(feed)
    exe.loss({name: torch.randn(2, 3) for name in "ab"})  # another pass before going back
    loss.backward()
    ours = {name: value.grad for name, value in feed.items()}
    shift = torch.tensor([0.5], requires_grad=True)
    copies = {name: value.detach().requires_grad_() for name, value in feed.items()}
    expected = 3 * ((copies["a"] - copies["b"] + shift) ** 2).sum() / 4
    expected.backward()
    torch.testing.assert_close(loss, expected)
    for name in "ab":
        torch.testing.assert_close(ours[name], copies[name].grad)
    torch.testing.assert_close(exe.params["t"][0].grad, shift.grad)


def test_other_sizes(folder):
    exe = netdef.compile(netdef.load(folder / "net.prototxt", allow_python=True), device="cpu")
    feed = {"a": np.ones((5, 2)), "b": np.zeros((5, 2))}
    assert exe.loss(feed).item() == pytest.approx(3 * 10 * 1.5**2 / 10)


def test_a_source_of_data(folder):
    path = write(
        folder,
        'layer { name: "s" type: "Python" top: "x"'
        ' python_param { module: "distance" layer: "Source" } }',
    )
    exe = netdef.compile(netdef.load(path, allow_python=True), device="cpu")
    assert exe({})["x"].tolist() == [[11.0] * 3] * 2
    assert exe({})["x"][0, 0] == 12


def test_weights_are_saved_and_loaded(folder):
    net = netdef.load(folder / "net.prototxt", allow_python=True)
    exe = netdef.compile(net, device="cpu")
    with torch.no_grad():
        exe.params["t"][0].fill_(7)
    exe.save_weights(folder / "w.caffemodel")
    again = netdef.compile(net, weights=folder / "w.caffemodel", device="cpu")
    assert again.params["t"][0].item() == 7


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('module: "distance"', 'module: "nowhere"'), "No module named 'nowhere'"),
        (('layer: "Distance"', 'layer: "Nothing"'), "has no attribute 'Nothing'"),
        (('bottom: "b" top', "top"), "`setup` of distance.Distance failed: Exception: needs two"),
        (('param_str: "3"', 'param_str: "x"'), "could not convert string to float: 'x' (distance"),
        (('layer: "Distance"', 'layer: "Uneven"'), "blob 0 with values that differ"),
        (('layer: "Distance"', ""), "needs `layer`"),
    ],
)
def test_faults(folder, change, says):
    path = write(folder, INPUTS + LOSS.replace(*change))
    found = netdef.check(path, phases=["TEST"], allow_python=True)
    assert [d.rule for d in found if d.is_error] in (["python-layer"], ["missing-field"])
    assert says in found[0].message
    assert found[0].span is not None


def test_code_that_fails_when_it_runs(folder):
    broken = LOSS.replace('bottom: "b" ', "").replace('"Distance"', '"Broken"')
    path = write(folder, INPUTS + broken)
    exe = netdef.compile(netdef.load(path, allow_python=True), device="cpu")
    with pytest.raises(
        NetdefError, match=r"`forward` of distance\.Broken, layer `t`, failed: ValueError: no luck"
    ):
        exe({"a": np.ones((2, 3)), "b": np.ones((2, 3))})


def test_the_command_line(folder):
    path = str(folder / "net.prototxt")
    assert "python-not-allowed" in CliRunner().invoke(main, ["check", path]).output
    result = CliRunner().invoke(main, ["check", "--allow-python", path])
    assert result.exit_code == 0
    assert "no faults found" in result.output
    result = CliRunner().invoke(main, ["summary", "--allow-python", path])
    assert "Python" in result.output


def test_onnx_says_why(folder):
    net = netdef.load(write(folder, INPUTS + LOSS.replace("loss_weight: 1", "")), allow_python=True)
    with pytest.raises(NetdefError, match="an ONNX file cannot hold"):
        netdef.export_onnx(net, folder / "x.onnx")
