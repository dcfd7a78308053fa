"""Every example of every layer type: shape rule, torch, onnxruntime and documentation agree."""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import netdef
from netdef import catalog
from netdef.contract import Cost, Example, Instance, LayerType, Values, Window
from netdef.contract.of_layer import instance_of
from netdef.ir import Layer, Net, Shape
from netdef.onnx_backend.batch import batch_of
from netdef.onnx_backend.build import build_model
from netdef.onnx_backend.graph import OPSET
from netdef.onnx_backend.opset import lifted, newest_opset
from netdef.onnx_backend.part import Part
from netdef.onnx_backend.verify import Model, check_file, compare, require_equal
from netdef.passes.pipeline import Request, load_net
from netdef.source import NetdefError, SourceFile
from netdef.torch_backend.context import CONTEXT
from netdef.torch_backend.executable import Executable
from netdef.torch_backend.python_host import shapes_of_code

NAMES = catalog.names()
CASES = [
    pytest.param(name, example, id=f"{name}-{index}")
    for name in NAMES
    for index, example in enumerate(catalog.find(name).examples)
]
FEWEST_WORDS = 6


def load(name: str, example: Example, shapes: Mapping[str, Shape] | None = None) -> Net:
    """The example's net; where it has a data source, that has items of the shapes of its tops."""

    def probe(n: Instance) -> list[Shape]:
        del n
        return [tuple(out[1:]) for out in example.outs]

    file = SourceFile("<example>", example.prototxt(name))
    return load_net(
        file, example.phase, Request(shapes=shapes or {}, probe=probe, code=shapes_of_code)
    )


def parts(name: str, example: Example) -> tuple[LayerType, Net, Layer, Instance]:
    """The type, the net, its layer `example` and what the facets see."""
    kind = catalog.find(name)
    assert kind is not None
    net = load(name, example)
    layer = net.layers[-1]
    return kind, net, layer, instance_of(layer, catalog.own_message(kind, layer.message))


def whole(net: Net) -> Part:
    """Everything of the net, losses too."""
    layer = net.layers[-1]
    inputs = tuple(dict.fromkeys(layer.bottoms))
    return Part(net, inputs, () if layer.source else layer.tops)


def batches(net: Net, example: Example) -> Iterator[dict[str, Any]]:
    """Inputs of the example's batch, and of another one where the layer fits that."""
    for seed, shapes in enumerate(batch_of(whole(net), dynamic=True).trials):
        draw = np.random.default_rng(seed)
        yield {
            f"in{i}": drawn(values, shapes[f"in{i}"], shapes, draw)
            for i, values in enumerate(example.inputs)
        }


def drawn(
    values: Values, shape: Shape, shapes: Mapping[str, Shape], draw: np.random.Generator
) -> Any:
    """An array of such values, of another shape perhaps."""
    if values.kind == "labels":
        return np.asarray(draw.integers(0, values.below, shape), np.float32)
    if values.kind == "uniform":
        return draw.uniform(values.low, values.high, shape).astype(np.float32)
    if values.kind == "fixed":
        return np.resize(np.asarray(values.given, np.float32), shape)
    if values.kind == "marker":
        return np.asarray(draw.integers(0, 2, shape), np.float32)
    if values.kind == "rois":
        images, size = divmod(values.below, 10_000)
        images = min(images, shapes["in0"][0])
        corners = np.sort(draw.uniform(0, size - 1, (shape[0], 2, 2)), axis=1)
        index = draw.integers(0, images, (shape[0], 1))
        return np.concatenate([index, corners.reshape(-1, 4)], 1).astype(np.float32)
    assert values.kind == "normal"
    return np.asarray(draw.standard_normal(shape, np.float32))


def program(net: Net, share: Executable | None = None) -> Executable:
    """The net as a torch program; its parameters are drawn, lest a zero hides a fault."""
    exe = netdef.compile(net, device="cpu", share=share)
    if share is None:
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for tensor in chain.from_iterable(exe.params.values()):
                # Positive: among them are variances and counts.
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return exe


def tops(example: Example) -> list[str]:
    """The names of the example's tops."""
    return [f"out{i}" for i in range(len(example.outs))]


@cache
def examples_of(name: str) -> tuple[Example, ...]:
    """The examples of a layer type."""
    kind = catalog.find(name)
    assert kind is not None
    return tuple(kind.examples)


@pytest.mark.parametrize("name", NAMES)
def test_type_is_documented(name: str) -> None:
    """Text, examples, facets, and a file named after it or after its inseparable other."""
    kind = catalog.find(name)
    assert kind is not None
    assert kind.name == name
    assert len((kind.__doc__ or "").split()) >= FEWEST_WORDS
    assert kind.__doc__.strip().splitlines()[0].endswith((".", ":"))
    assert examples_of(name)
    for facet in ("signature", "cost", "torch", "onnx"):
        assert getattr(type(kind), facet) is not getattr(LayerType, facet)
    count = kind.bottoms.stop - 1 if isinstance(kind.bottoms, range) else kind.bottoms
    assert all(-count <= index < count for index in kind.no_grad_bottoms)


@pytest.mark.parametrize(("name", "example"), CASES)
def test_shapes(name: str, example: Example) -> None:
    """Nothing is faulted, and the shape rule gives what the example declares."""
    net = load(name, example)
    assert net.diagnostics == ()
    assert [top.shape for top in net.layers[-1].tops] == [tuple(out) for out in example.outs]
    assert net.param_count() == example.params


@pytest.mark.parametrize(("name", "example"), CASES)
def test_cost(name: str, example: Example) -> None:
    """Whole numbers, none negative; a window has one entry per axis."""
    kind, _, _, n = parts(name, example)
    cost = kind.cost(n)
    assert type(cost) is Cost
    for value in (cost.macs, cost.other):
        assert type(value) is int
        assert value >= 0
    window = kind.window(n)
    if window is not None:
        assert type(window) is Window
        assert len({len(window.kernel), len(window.stride), len(window.pad)}) == 1
        assert len(window.dilation) == len(window.kernel)


@pytest.mark.parametrize(("name", "example"), CASES)
def test_module_has_the_weights(name: str, example: Example) -> None:
    """Parameters and buffers of the torch module: names, shapes, and which are learned."""
    kind, _, layer, n = parts(name, example)
    with torch.device("meta"):
        module = kind.torch(n, CONTEXT)
    params = layer.params or ()
    if module is None:
        assert kind.source
        assert not params
        return
    learned = {p.weight: p.shape for p in params if p.learnable}
    kept = {p.weight: p.shape for p in params if not p.learnable}
    assert {k: tuple(v.shape) for k, v in module.named_parameters()} == learned
    assert {k: tuple(v.shape) for k, v in module.named_buffers()} == kept


@pytest.mark.parametrize(("name", "example"), CASES)
def test_torch_makes_the_shapes(name: str, example: Example) -> None:
    """Also at another batch size, where the layer fits one."""
    _, net, layer, _ = parts(name, example)
    exe = program(net)
    if layer.source:
        # What torch computes for a source is its own affair; fed values pass through.
        feed = {f"out{i}": np.ones(out, np.float32) for i, out in enumerate(example.outs)}
        for top, values in exe.run(feed, tops(example)).items():
            assert tuple(values.shape) == feed[top].shape
        return
    for feed in batches(net, example):
        expected = load(name, example, {k: v.shape for k, v in feed.items()}).blobs
        for top, values in exe.run(feed, tops(example)).items():
            blob = expected[top]
            assert values.dtype == torch.float32
            if blob.dynamic:
                sizes = zip(values.shape, blob.shape, strict=True)
                assert all(size <= most for size, most in sizes)
            else:
                assert tuple(values.shape) == blob.shape


@pytest.mark.parametrize(("name", "example"), CASES)
def test_onnx_gives_the_numbers(name: str, example: Example, tmp_path: Path) -> None:
    """onnxruntime agrees with torch at every batch size, or ONNX cannot express the layer."""
    _, net, layer, _ = parts(name, example)
    if layer.source:
        assert catalog.find(name).onnx(None, None, ()) is None
        return
    if not layer.tops:
        return  # nothing to compare
    exe = program(net)
    part = whole(net)
    dims = batch_of(part, dynamic=True).dims
    try:
        built = build_model(part, dims, lambda p: exe.tensor_of(p).detach().numpy())
    except NetdefError as fault:
        (diagnostic,) = fault.diagnostics
        assert diagnostic.rule == "unsupported-in-onnx"
        reason = diagnostic.message.partition(": ")[2]
        assert len(reason.split()) > 2
        return
    assert built.draws == example.random
    for opset in (OPSET, newest_opset()):
        path = tmp_path / f"{opset}.onnx"
        path.write_bytes(lifted(built.model, opset).SerializeToString())
        check_file(path)
        for feed in batches(net, example):
            fresh = program(net, share=exe)  # some layers remember
            names = built.inputs, built.outputs
            model = Model(path, *names, drawn=example.random)
            require_equal(compare(model, fresh, [feed]))


@pytest.mark.parametrize(("name", "example"), CASES)
def test_gradients_flow(name: str, example: Example) -> None:
    """To every parameter that is learned and every bottom that is not said to get none."""
    kind, net, layer, _ = parts(name, example)
    if layer.source or not layer.tops:
        return
    none = {i % len(layer.bottoms) for i in kind.no_grad_bottoms if i < len(layer.bottoms)}
    exe = program(net)
    feed = {key: torch.from_numpy(value) for key, value in next(batches(net, example)).items()}
    wanted = [feed[f"in{i}"].requires_grad_() for i in range(len(feed)) if i not in none]
    wanted += [exe.tensor_of(p) for p in layer.params or () if p.learnable]
    if not wanted:
        return
    values = exe.run(feed, tops(example)).values()
    generator = torch.Generator().manual_seed(1)
    loss = sum((v * torch.rand(v.shape, generator=generator)).sum() for v in values)
    loss.backward()
    for tensor in wanted:
        assert tensor.grad is not None
        assert tensor.grad.shape == tensor.shape
        assert torch.isfinite(tensor.grad).all()


@pytest.mark.parametrize(("name", "example"), CASES)
def test_affine_is_what_torch_computes(name: str, example: Example) -> None:
    """Where a layer says it is a factor and a shift per channel, it is."""
    kind, net, layer, n = parts(name, example)
    function = kind.affine(n)
    if function is None:
        return
    exe = program(net)
    weights = {p.weight: exe.tensor_of(p) for p in layer.params or ()}
    factor, shift = (
        torch.as_tensor(v).reshape(-1, *[1] * (len(n.ins[0]) - 2)) for v in function(weights)
    )
    feed = next(batches(net, example))
    actual = exe.run(feed, ["out0"])["out0"]
    torch.testing.assert_close(actual, torch.from_numpy(feed["in0"]) * factor + shift)
