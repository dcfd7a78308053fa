"""The nets of the training benchmark, as text for netdef and as modules for the loop."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INPUTS = {"lenet": (1, 28, 28), "cifar10_full": (3, 32, 32), "resnet50": (3, 224, 224)}
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""ResNet-50: width, blocks and stride of each stage."""


def prototxt(name: str, batch: int) -> str:
    """Return the train net, fed with constants."""
    sizes = " ".join(f"dim: {size}" for size in (batch, *INPUTS[name]))
    data = (
        'layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {'
        f" shape {{ {sizes} }} shape {{ dim: {batch} }}"
        ' data_filler { type: "constant" value: 0.5 } data_filler { type: "constant" } } }'
    )
    layers = {"lenet": _lenet, "cifar10_full": _cifar10_full, "resnet50": _resnet50}[name]()
    _add(layers, "SoftmaxWithLoss", "loss", f"{layers[-1][1]} label")
    return "\n".join([data, *(text for text, _ in layers)]) + "\n"


def module(name: str) -> nn.Module:
    """Return the same net as a module."""
    return {"lenet": _LeNet, "cifar10_full": _Cifar10Full, "resnet50": _ResNet50}[name]()


Layers = list[tuple[str, str]]
"""Texts of layers, each with the name of its top."""


def _add(layers: Layers, type: str, name: str, bottom: str, fields: str = "", top: str = "") -> str:
    top = top or name
    bottoms = " ".join(f'bottom: "{b}"' for b in bottom.split())
    layers.append(
        (f'layer {{ name: "{name}" type: "{type}" {bottoms} top: "{top}" {fields} }}', top)
    )
    return top


def _conv(out: int, kernel: int, stride: int = 1, pad: int = 0, bias: bool = True) -> str:
    return (
        f"convolution_param {{ num_output: {out} kernel_size: {kernel} stride: {stride} pad: {pad}"
        f" bias_term: {str(bias).lower()} weight_filler {{ type: 'msra' }} }}"
    )


def _pool(how: str, kernel: int, stride: int) -> str:
    return f"pooling_param {{ pool: {how} kernel_size: {kernel} stride: {stride} }}"


def _dense(out: int) -> str:
    return f"inner_product_param {{ num_output: {out} weight_filler {{ type: 'xavier' }} }}"


def _lenet() -> Layers:
    layers: Layers = []
    x = _add(layers, "Convolution", "conv1", "data", _conv(20, 5))
    x = _add(layers, "Pooling", "pool1", x, _pool("MAX", 2, 2))
    x = _add(layers, "Convolution", "conv2", x, _conv(50, 5))
    x = _add(layers, "Pooling", "pool2", x, _pool("MAX", 2, 2))
    x = _add(layers, "InnerProduct", "ip1", x, _dense(500))
    x = _add(layers, "ReLU", "relu1", x, top=x)
    _add(layers, "InnerProduct", "ip2", x, _dense(10))
    return layers


def _cifar10_full() -> Layers:
    layers: Layers = []
    norm = "lrn_param { local_size: 3 alpha: 5e-5 beta: 0.75 norm_region: WITHIN_CHANNEL }"
    x = _add(layers, "Convolution", "conv1", "data", _conv(32, 5, pad=2))
    x = _add(layers, "Pooling", "pool1", x, _pool("MAX", 3, 2))
    x = _add(layers, "ReLU", "relu1", x, top=x)
    x = _add(layers, "LRN", "norm1", x, norm)
    x = _add(layers, "Convolution", "conv2", x, _conv(32, 5, pad=2))
    x = _add(layers, "ReLU", "relu2", x, top=x)
    x = _add(layers, "Pooling", "pool2", x, _pool("AVE", 3, 2))
    x = _add(layers, "LRN", "norm2", x, norm)
    x = _add(layers, "Convolution", "conv3", x, _conv(64, 5, pad=2))
    x = _add(layers, "ReLU", "relu3", x, top=x)
    x = _add(layers, "Pooling", "pool3", x, _pool("AVE", 3, 2))
    _add(layers, "InnerProduct", "ip1", x, _dense(10))
    return layers


def _resnet50() -> Layers:
    layers: Layers = []

    def unit(name: str, x: str, out: int, kernel: int, stride: int, relu: bool = True) -> str:
        x = _add(layers, "Convolution", name, x, _conv(out, kernel, stride, kernel // 2, False))
        _add(layers, "BatchNorm", f"{name}_bn", x, top=x)
        _add(layers, "Scale", f"{name}_scale", x, "scale_param { bias_term: true }", top=x)
        if relu:
            _add(layers, "ReLU", f"{name}_relu", x, top=x)
        return x

    x = unit("conv1", "data", 64, 7, 2)
    x = _add(layers, "Pooling", "pool1", x, _pool("MAX", 3, 2))
    for stage, (width, blocks, stride) in enumerate(STAGES, 2):
        for block in range(blocks):
            name, step = f"res{stage}_{block}", stride if block == 0 else 1
            short = unit(f"{name}_short", x, 4 * width, 1, step, False) if block == 0 else x
            y = unit(f"{name}_a", x, width, 1, step)
            y = unit(f"{name}_b", y, width, 3, 1)
            y = unit(f"{name}_c", y, 4 * width, 1, 1, relu=False)
            x = _add(layers, "Eltwise", name, f"{short} {y}")
            _add(layers, "ReLU", f"{name}_relu", x, top=x)
    x = _add(layers, "Pooling", "pool5", x, "pooling_param { pool: AVE global_pooling: true }")
    _add(layers, "InnerProduct", "fc", x, _dense(1000))
    return layers


class _LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 20, 5), nn.Conv2d(20, 50, 5)
        self.ip1, self.ip2 = nn.Linear(800, 500), nn.Linear(500, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.conv1(x), 2)
        x = F.max_pool2d(self.conv2(x), 2)
        return self.ip2(F.relu(self.ip1(x.flatten(1))))


class _Cifar10Full(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
        self.conv3 = nn.Conv2d(32, 64, 5, padding=2)
        self.ip1 = nn.Linear(1024, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = _within_channel(F.relu(F.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True)))
        x = F.relu(self.conv2(x))
        x = _within_channel(F.avg_pool2d(x, 3, 2, ceil_mode=True))
        x = F.avg_pool2d(F.relu(self.conv3(x)), 3, 2, ceil_mode=True)
        return self.ip1(x.flatten(1))


def _within_channel(x: Tensor) -> Tensor:
    return x * (1 + 5e-5 * F.avg_pool2d(x * x, 3, 1, 1)) ** -0.75


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int, short: bool) -> None:
        super().__init__()
        self.a, self.b = _unit(inputs, width, 1, stride), _unit(width, width, 3, 1)
        self.c = _unit(width, 4 * width, 1, 1, relu=False)
        self.short: Any = _unit(inputs, 4 * width, 1, stride, relu=False) if short else None

    def forward(self, x: Tensor) -> Tensor:
        short = x if self.short is None else self.short(x)
        return torch.relu_(self.c(self.b(self.a(x))) + short)


def _unit(inputs: int, out: int, kernel: int, stride: int, relu: bool = True) -> nn.Module:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(out),
    ]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class _ResNet50(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = _unit(3, 64, 7, 2)
        blocks: list[nn.Module] = []
        inputs = 64
        for width, count, stride in STAGES:
            for block in range(count):
                first = block == 0
                blocks.append(_Bottleneck(inputs, width, stride if first else 1, first))
                inputs = 4 * width
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.stem(x), 3, 2, ceil_mode=True)
        return self.fc(self.blocks(x).mean((2, 3)))
