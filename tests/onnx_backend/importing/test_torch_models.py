"""Whole models as torch.onnx writes them; the import itself compares with onnxruntime."""

import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import netdef
from netdef.source import NetdefError


class BasicBlock(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride > 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet18(nn.Module):
    """He et al., Deep Residual Learning for Image Recognition, 2015, an eighth as wide."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        blocks, inputs = [], width
        for stage in range(4):
            for block in range(2):
                outputs = width * 2**stage
                blocks.append(BasicBlock(inputs, outputs, 2 if stage and not block else 1))
                inputs = outputs
        self.layers = nn.Sequential(*blocks)
        self.fc = nn.Linear(inputs, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(self.layers(x), 1), 1))


class InvertedResidual(nn.Module):
    """Expand, convolve every channel by itself, project."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        steps: list[nn.Module] = []
        if expansion > 1:
            steps += [nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
        steps += [
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.conv = nn.Sequential(*steps)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.adds else self.conv(x)


class MobileNetV2(nn.Module):
    """Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018, a quarter."""

    plan = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1))  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        inputs = 8
        layers: list[nn.Module] = [nn.Conv2d(3, inputs, 3, 2, 1, bias=False)]
        layers += [nn.BatchNorm2d(inputs), nn.ReLU6()]
        for expansion, channels, count, stride in self.plan:
            for i in range(count):
                outputs = channels // 4
                step = stride if i == 0 else 1
                layers.append(InvertedResidual(inputs, outputs, step, expansion))
                inputs = outputs
        layers += [nn.Conv2d(inputs, 160, 1, bias=False), nn.BatchNorm2d(160), nn.ReLU6()]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(160, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean((2, 3)))


class UNet(nn.Module):
    """Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, 2015."""

    def __init__(self, width: int = 4, depth: int = 4) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        pairs = list(pairwise(widths))
        self.first = self.twice(1, width)
        self.down = nn.ModuleList(self.twice(a, b) for a, b in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in reversed(pairs))
        self.merge = nn.ModuleList(self.twice(b, a) for a, b in reversed(pairs))
        self.last = nn.Conv2d(width, 2, 1)

    @staticmethod
    def twice(inputs: int, outputs: int) -> nn.Module:
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs)]
            layers.append(nn.ReLU())
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        kept = [self.first(x)]
        for step in self.down:
            kept.append(step(F.max_pool2d(kept[-1], 2)))
        x = kept.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([kept.pop(), up(x)], 1))
        return self.last(x)


class TimeFirstLSTM(nn.Module):
    """Two layers, their first and last states in the open."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(5, 6, num_layers=2)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        y, (h, c) = self.lstm(x, (h, c))
        return y, h, c


class Classifier(nn.Module):
    """Words to a vector each, through an LSTM that takes the batch first, and the last step."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 5)
        self.lstm = nn.LSTM(5, 6, batch_first=True)
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.lstm(self.embed(x))
        return self.fc(y[:, -1])


class Elman(nn.Module):
    """An RNN, whose weights all its steps share."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(5, 6)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.rnn(x)


class Transformer(nn.Module):
    """Attention and a feed-forward part, each with a norm and a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(8), nn.LayerNorm(8)
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        y = self.norm1(x)
        q, k, v = (f(y).view(n, t, 2, d // 2).transpose(1, 2) for f in (self.q, self.k, self.v))
        scores = torch.softmax(q @ k.transpose(2, 3) / (d // 2) ** 0.5, -1)
        x = x + self.o((scores @ v).transpose(1, 2).reshape(n, t, d))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Shuffled(nn.Module):
    """What mobile nets are made of: shuffled channels, excitation, hard and soft activations."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3, padding=1, groups=2)
        self.prelu, self.norm = nn.PReLU(8), nn.GroupNorm(2, 8)
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.prelu(self.conv(F.pad(x, (0, 1, 1, 2)))))
        n, c, h, w = y.shape
        y = y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        gate = F.hardsigmoid(self.excite(F.silu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        y = F.mish(F.hardswish(y * gate))
        y = F.interpolate(F.pixel_shuffle(y, 2), scale_factor=2)
        return F.avg_pool2d(y, 3, 2, 1, ceil_mode=True, count_include_pad=False)


IMAGE = (torch.randn(1, 3, 64, 64),)
CASES: dict[str, tuple[type[nn.Module], tuple[Tensor, ...], set[str]]] = {
    "resnet18": (ResNet18, IMAGE, {"Convolution", "BatchNorm", "Scale", "Eltwise", "ReLU"}),
    "mobilenet_v2": (MobileNetV2, IMAGE, {"ReLU6", "InnerProduct"}),
    "unet": (UNet, (torch.randn(1, 1, 32, 32),), {"Deconvolution", "Concat", "Pooling"}),
    "lstm": (TimeFirstLSTM, (torch.randn(4, 1, 5), *torch.randn(2, 2, 1, 6)), {"LSTM"}),
    "classifier": (Classifier, (torch.randint(0, 11, (1, 7)),), {"Embed", "Permute", "LSTM"}),
    "elman": (Elman, (torch.randn(5, 1, 5),), {"TanH", "InnerProduct"}),
    "transformer": (Transformer, (torch.randn(1, 6, 8),), {"LayerNorm", "GELU", "MatMul"}),
    "shuffled": (
        Shuffled,
        (torch.randn(1, 4, 6, 7),),
        {
            "ShuffleChannel",
            "PReLU",
            "HSigmoid",
            "HardSwish",
            "Swish",
            "Mish",
            "Permute",
            "Upsample",
        },
    ),
}

PARTS_KEPT = (torch.onnx.TrainingMode.EVAL, torch.onnx.TrainingMode.PRESERVE)
"""By default torch folds normalisation into convolutions; kept, it has to be imported."""


def exported(name: str, folder: Path, **options: Any) -> tuple[Path, nn.Module]:
    """The file that torch writes of a model, whose statistics are no zeros and ones, and that."""
    kind, inputs, _ = CASES[name]
    torch.manual_seed(0)
    model = kind()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
    path = folder / f"{name}.onnx"
    with warnings.catch_warnings():
        # It will be removed one day, but it needs no further package; what it writes is ONNX.
        warnings.simplefilter("ignore")
        options = {"input_names": [f"in{i}" for i in range(len(inputs))], **options}
        torch.onnx.export(model.eval(), inputs, str(path), dynamo=False, **options)
    return path, model


def compare_files(first: Path, second: Path, feed: dict[str, Any]) -> None:
    """Both give the same outputs under the same names, within 1e-5 of the largest value."""
    one, other = onnxruntime.InferenceSession(first), onnxruntime.InferenceSession(second)
    floats = {i.name: np.asarray(feed[i.name], np.float32) for i in other.get_inputs()}
    for output, wanted in zip(one.get_outputs(), one.run(None, feed), strict=True):
        (found,) = other.run([output.name], floats)
        assert np.abs(found - wanted).max() <= 1e-5 * max(1, np.abs(wanted).max())


@pytest.mark.parametrize("name", CASES)
def test_models(name: str, tmp_path: Path) -> None:
    """What torch computes is what the imported net computes, by the expected layer types.

    Exported again, it is what onnxruntime computes as well.
    """
    path, model = exported(name, tmp_path, training=PARTS_KEPT[name == "resnet18"])
    done = netdef.import_onnx(path, tmp_path / "out")
    assert done.largest_difference <= 1e-5

    net = netdef.load(done.net)
    assert not net.diagnostics
    assert {layer.type for layer in net.layers} >= CASES[name][2]
    inputs = CASES[name][1]
    with torch.no_grad():
        expected = model(*inputs)
        exe = netdef.compile(net, done.weights, device="cpu")
        found = exe({f"in{i}": x for i, x in enumerate(inputs)})
    wanted = expected if isinstance(expected, tuple) else [expected]
    for output, values in zip(done.outputs, wanted, strict=True):
        torch.testing.assert_close(found[output], values, rtol=1e-5, atol=2e-5)

    again = tmp_path / "again.onnx"
    netdef.export_onnx(net, again, done.weights, dynamic_batch=False)
    compare_files(path, again, {f"in{i}": x.numpy() for i, x in enumerate(inputs)})


def test_an_open_batch(tmp_path: Path) -> None:
    """It is 1 or what is asked for; the net takes any other, too."""
    path, model = exported("resnet18", tmp_path, dynamic_axes={"in0": {0: "N"}})
    assert netdef.import_onnx(path, tmp_path).inputs == {"in0": (1, 3, 64, 64)}
    done = netdef.import_onnx(path, tmp_path, batch=3)
    assert done.inputs == {"in0": (3, 3, 64, 64)}
    exe = netdef.compile(netdef.load(done.net), done.weights, device="cpu")
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        (found,) = exe({"in0": x}).values()
        torch.testing.assert_close(found, model(x), rtol=1e-5, atol=1e-5)


def test_an_open_size(tmp_path: Path) -> None:
    """It has to be given."""
    path, _ = exported("resnet18", tmp_path, dynamic_axes={"in0": {0: "N", 2: "H", 3: "W"}})
    with pytest.raises(NetdefError, match="give it with --shape in0=1,3,"):
        netdef.import_onnx(path, tmp_path)
    done = netdef.import_onnx(path, tmp_path, shapes={"in0": (1, 3, 40, 48)})
    assert done.inputs == {"in0": (1, 3, 40, 48)}
