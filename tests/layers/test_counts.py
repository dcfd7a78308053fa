"""The figures of every layer type against counts made in other ways.

Multiply-accumulates are counted by torch, in what it computes; other operations by hand, in the
files of `counts/`; bytes and numbers of values from the tensors themselves.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import netdef
from netdef import catalog
from netdef.analysis.summary import summarize
from netdef.ir import Net
from netdef.passes.pipeline import Request, load_net
from netdef.source import SourceFile
from netdef.torch_backend.python_host import shapes_of_code


def _counts() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for path in sorted((Path(__file__).parent / "counts").glob("*.py")):
        spec = spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        assert not found.keys() & module.OTHER.keys()
        found |= module.OTHER
    return found


OTHER = _counts()
CASES = [
    pytest.param(name, index, id=f"{name}-{index}")
    for name in catalog.names()
    for index in range(len(catalog.find(name).examples))
]


def _net(name: str, index: int) -> Net:
    example = catalog.find(name).examples[index]

    def probe(_) -> list[tuple[int, ...]]:
        return [tuple(out[1:]) for out in example.outs]

    file = SourceFile("<example>", example.prototxt(name))
    return load_net(file, example.phase, Request(probe=probe, code=shapes_of_code))


def test_every_type_is_counted_by_hand() -> None:
    """For each of its examples, one number."""
    missing = {
        name: f"{len(OTHER.get(name, ()))} counts for {len(catalog.find(name).examples)} examples"
        for name in catalog.names()
        if len(OTHER.get(name, ())) != len(catalog.find(name).examples)
    }
    assert missing == {}


@pytest.mark.parametrize(("name", "index"), CASES)
def test_figures(name: str, index: int) -> None:
    """Of one example."""
    net = _net(name, index)
    figures = summarize(net).rows[-1].figures
    assert figures.other == OTHER[name][index]
    layer = net.layers[-1]
    if layer.source:
        assert figures.macs == 0
        return
    exe = netdef.compile(net, device="cpu")
    given = [i.given or (1.0,) for i in catalog.find(name).examples[index].inputs]
    feed = {
        bottom.name: torch.from_numpy(np.resize(np.float32(values), bottom.shape))
        for bottom, values in zip(layer.bottoms, given, strict=True)
    }
    with FlopCounterMode(display=False) as counter:
        values = exe.run(feed, [top.name for top in layer.tops])
    assert figures.macs == counter.get_total_flops() // 2
    if not any(top.dynamic for top in layer.tops):
        assert figures.activation_bytes == sum(4 * v.numel() for v in values.values())
    module = next(iter(exe.layers.values()), None)
    if module is not None:
        assert figures.learnable == sum(p.numel() for p in module.parameters())
        assert figures.buffers == sum(b.numel() for b in module.buffers())
