"""What a net's source looks like, and that it is the net."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import netdef
from netdef.source import NetdefError
from netdef.torch_source.export_source import export_source

from .conftest import check_style, drawn, run_alone, write

Export = Callable[[str], str]
NETS = Path(__file__).parents[3] / "shared" / "conformance" / "nets"
INPUT = """
layer { name: "in" type: "Input" top: "data" input_param { shape { dim: [4, 3, 8, 8] } } }
"""


def conv(name: str, bottom: str, top: str, more: str = "num_output: 4 kernel_size: 1") -> str:
    """A convolution."""
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{top}" '
        f"convolution_param {{ {more} }} }}\n"
    )


def layer(name: str, type: str, bottoms: str, tops: str, more: str = "") -> str:
    """Any layer; names of blobs with spaces between."""
    read = "".join(f' bottom: "{b}"' for b in bottoms.split())
    made = "".join(f' top: "{t}"' for t in tops.split())
    return f'layer {{ name: "{name}" type: "{type}"{read}{made} {more} }}\n'


def test_a_net_reads_as_written_by_hand(exported: Export) -> None:
    """Torch's own modules, in-place layers in one expression, one ReLU for all."""
    source = exported(
        INPUT
        + conv("conv1", "data", "conv1", "num_output: 8 kernel_size: 3 pad: 1 stride: 2")
        + layer("relu1", "ReLU", "conv1", "conv1")
        + layer("fc", "InnerProduct", "conv1", "fc", "inner_product_param { num_output: 5 }")
        + layer("relu2", "ReLU", "fc", "fc")
        + layer("drop", "Dropout", "fc", "fc")
        + layer("prob", "Softmax", "fc", "prob")
    )
    assert "        self.conv1 = nn.Conv2d(3, 8, kernel_size=3, stride=2, padding=1)\n" in source
    assert "        conv1 = self.relu(self.conv1(data))\n" in source
    assert "        self.fc = nn.Linear(128, 5)\n" in source
    assert "        fc = self.relu(self.fc(conv1.flatten(1)))\n" in source
    assert "        return self.prob(fc)\n" in source
    assert source.count("nn.ReLU()") == 1
    assert "InnerProduct" not in source and "drop" not in source


def test_normalisation_is_torchs_own(exported: Export) -> None:
    """BatchNorm and Scale are one module, its statistics divided by their factor."""
    source = exported(
        INPUT
        + layer("bn", "BatchNorm", "data", "bn")
        + layer("scale", "Scale", "bn", "bn", "scale_param { bias_term: true }")
    )
    assert "        self.bn = nn.BatchNorm2d(3)\n" in source
    assert "self.eval()" in source and "scale" not in source.split("def load")[0]


def test_normalisation_in_training(tmp_path: Path) -> None:
    """By the batch's own statistics it is Caffe's module, with the factor of the layer behind."""
    text = (
        INPUT
        + layer("bn", "BatchNorm", "data", "bn")
        + layer("scale", "Scale", "bn", "y", "scale_param { bias_term: true }")
    )
    exe = drawn(netdef.loads(text, phase="TRAIN"))
    source = export_source(exe, tmp_path / "model.py", "0").path.read_text()
    assert "self.bn(data, factor=self.scale.weight, shift=self.scale.bias)" in source


def test_repeated_parts_become_a_class(exported: Export) -> None:
    """With the widths that differ as parameters; equal ones in a row are a loop."""
    text, bottom, widths = INPUT, "data", (4, 6, 6, 6)
    for number, width in enumerate(widths, 1):
        a, b = f"part{number}/a", f"part{number}/b"
        text += conv(a, bottom, a, f"num_output: {width} kernel_size: 1")
        text += layer(f"part{number}/relu_a", "ReLU", a, a)
        text += conv(b, a, b, "num_output: 6 kernel_size: 3 pad: 1")
        text += layer(f"part{number}/sum", "Eltwise", f"{b} {b}", f"part{number}/sum")
        bottom = f"part{number}/sum"
    source = exported(text)
    assert "class PartBlock(nn.Module):" in source
    assert "def __init__(self, in_channels: int, a: int) -> None:" in source
    assert "self.b = nn.Conv2d(a, 6, kernel_size=3, padding=1)" in source
    assert "return b + b\n" in source
    assert "self.part1 = PartBlock(3, 4)\n" in source
    assert "nn.Sequential(*(PartBlock(6, 6) for _ in range(3)))" in source


def siamese(share: str) -> str:
    """Two towers of the same weights."""
    text = INPUT + layer("in2", "Input", "", "pair", "input_param { shape { dim: [4, 3, 8, 8] } }")
    for end, bottom in (("", "data"), ("_p", "pair")):
        for name, read, width in (("one", bottom, 4), ("two", f"one{end}", 5)):
            names = f'param {{ name: "{name}_w" {share} }} param {{ name: "{name}_b" }}'
            text += layer(
                f"{name}{end}",
                "InnerProduct",
                read,
                f"{name}{end}",
                f"{names} inner_product_param {{ num_output: {width} }}",
            )
    return text


def test_shared_weights_are_one_module(exported: Export) -> None:
    """The second tower calls the modules of the first; two outputs come in a dict."""
    source = exported(siamese(""))
    assert source.count("nn.Linear(") == 2
    assert "two_p = self.two(one_p)" in source
    assert 'return {"two": two, "two_p": two_p}' in source


def test_one_shared_weight(exported: Export) -> None:
    """A layer that shares less than all has a module whose parameter is the other's."""
    source = exported(
        INPUT
        + conv("a", "data", "a", "num_output: 3 kernel_size: 1").replace(
            "convolution_param", 'param { name: "w" } convolution_param'
        )
        + conv("b", "a", "b", "num_output: 3 kernel_size: 1").replace(
            "convolution_param", 'param { name: "w" } convolution_param'
        )
    )
    assert "        self.b.weight = self.a.weight\n" in source


def test_a_weight_in_another_shape(exported: Export) -> None:
    """`share_mode: PERMISSIVE` shares values, not shapes."""
    shared = 'param { name: "w" share_mode: PERMISSIVE }'
    size = "inner_product_param { num_output: %d bias_term: false }"
    source = exported(
        layer("in", "Input", "", "x", "input_param { shape { dim: [2, 4] } }")
        + layer("a", "InnerProduct", "x", "a", f"{shared} {size % 6}")
        + layer("b", "InnerProduct", "a", "b", f"{shared} {size % 4}")
    )
    call = 'functional_call(self.b, {"weight": self.a.weight.view(4, 6)}, (a,))'
    assert f"return torch.func.{call}" in source


def test_a_recurrent_net(exported: Export) -> None:
    """With netdef's op, docstrings and all, but not what only netdef calls."""
    source = exported(
        layer("in", "Input", "", "x cont", "input_param { shape { dim: [5, 2, 6] } "
        "shape { dim: [5, 2] } }")
        + layer("lstm", "LSTM", "x cont", "h", "recurrent_param { num_output: 7 }")
        + layer("fc", "InnerProduct", "h", "y", "inner_product_param { num_output: 3 axis: 2 }")
    )  # fmt: skip
    assert 'self.lstm = Recurrent("LSTM", inputs=6, hidden=7)' in source
    assert "Caffe" in source and '"""An LSTM or RNN over T steps' in source
    assert "netdef.torch_backend" not in source and "def native" not in source


def test_versions_of_a_name(exported: Export) -> None:
    """What a name stood for before an in-place layer can still be read."""
    source = exported(
        INPUT
        + conv("a", "data", "a", "num_output: 3 kernel_size: 1")
        + layer("before", "AbsVal", "a", "before")
        + layer("relu", "ReLU", "a", "a")
        + layer("sum", "Eltwise", "a before data", "sum")
    )
    assert "        before = a.abs()\n" in source
    assert "        return a + before + data\n" in source


@pytest.mark.parametrize(
    "name", ["forward", "self", "class", "1x1", "a b", 'x"""; import os', "x\\n'", "type", "é"]
)
def test_names_of_every_kind(exported: Export, name: str) -> None:
    """None breaks the source, or gets into it as code."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    source = exported(
        INPUT
        + conv(escaped, "data", escaped)
        + f'layer {{ name: "torch" type: "ReLU" bottom: "{escaped}" top: "torch" }}'
        + f'layer {{ name: "nn" type: "TanH" bottom: "{escaped}" top: "data_2" }}'
    )
    assert "import os" not in source.replace("import_os", "")


def test_running_the_file(tmp_path: Path) -> None:
    """It prints the shapes of its outputs."""
    path = tmp_path / "model.py"
    write(drawn(netdef.loads(INPUT + conv("a", "data", "a"))), path)
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "a (4, 4, 8, 8)\n"


def test_what_cannot_be_written(tmp_path: Path) -> None:
    """A net of inputs alone."""
    exe = netdef.compile(netdef.loads(INPUT), device="cpu")
    with pytest.raises(NetdefError, match="no layer computes an output"):
        export_source(exe, tmp_path / "model.py", "0")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not NETS.exists(), reason="the published files are not ours to carry along")
def test_published_nets(tmp_path: Path) -> None:
    """Written, run alone and equal; repeated parts are classes."""
    blocks = {
        "lenet": [],
        "alexnet": [],
        "googlenet": ["InceptionBlock"],
        "resnet50": ["ResBlock", "Res2aBlock"],
        "mobilenet": ["ConvBlock"],
        "squeezenet_v1.1": ["FireBlock"],
    }
    for name, classes in blocks.items():
        path = NETS / f"{name}.prototxt"
        shapes = {
            name: (2, *(blob.shape or ())[1:])
            for name, blob in netdef.load(path).blobs.items()
            if name == "data"
        }
        source = write(drawn(netdef.load(path, shapes=shapes)), tmp_path / f"{path.stem[:9]}.py")
        found = [line[6:].partition("(")[0] for line in source.splitlines() if "Block(nn" in line]
        assert found == classes
    run_alone(tmp_path)
    check_style(tmp_path)
