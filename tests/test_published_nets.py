"""Whole published nets: shapes, counts and outputs of the reference implementation.

They are other people's files and lie beside the checkout, in ../shared; without it nothing can be
compared.
"""

import gzip
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import torch

import netdef
from netdef.ir import Net

ROOT = Path(__file__).parents[2] / "shared" / "conformance"
NETS = sorted((ROOT / "nets").glob("*.prototxt"))
BAR = 1e-3
SPLIT = re.compile(r"_split_\d+$")
"""How the reference calls the tops of the Split layers it adds."""

pytestmark = pytest.mark.skipif(not NETS, reason="the published files are not ours to carry along")


@cache
def corpus() -> dict[str, Any]:
    """What the reference says of the nets that it could build."""
    if not NETS:
        return {}
    found = json.loads(gzip.decompress((ROOT / "corpus" / "expected.json.gz").read_bytes()))
    return {path: said["reference"] for path, said in found.items() if said["reference"]}


@cache
def outputs() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What the reference computed: its notes, and arrays by NET::BLOB."""
    arrays = dict(np.load(ROOT / "nets" / "outputs.npz"))
    return json.loads(str(arrays.pop("meta"))), arrays


def load(path: Path, reference: dict[str, Any]) -> Net:
    """The net, for inputs of the recorded shapes."""
    names = netdef.load(path).inputs
    return netdef.load(path, shapes={name: tuple(reference["blobs"][name]) for name in names})


def compare_shapes(net: Net, reference: dict[str, Any]) -> None:
    """Blobs and parameters, by name; the reference adds Split layers, we do not."""
    blobs = {k: v for k, v in reference["blobs"].items() if not SPLIT.search(k)}
    assert {name: list(net.blobs[name].shape or ()) for name in blobs} == blobs
    params = {name: [list(p.shape) for p in ps] for name, ps in net.params.items() if ps}
    assert params == reference["params"]


@pytest.mark.parametrize("path", sorted(corpus()))
def test_shapes_of_the_corpus(path: str) -> None:
    """In phase TEST."""
    compare_shapes(load(ROOT / "corpus" / path, corpus()[path]), corpus()[path])


def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of a normal distribution that depend on the name alone."""
    return np.random.RandomState(crc32(name.encode())).standard_normal(shape)


def weights(layer: str, type: str, index: int, shape: tuple[int, ...]) -> np.ndarray:
    """The weights that the reference was given."""
    values = drawn(f"{layer}/{index}", shape)
    if type == "BatchNorm":
        return (values * 0.1, np.abs(values) + 0.5, np.ones(shape))[index]
    if type == "Scale" and index == 0:
        return 1 + 0.1 * values
    return values * (np.sqrt(2 / (values.size / shape[0])) if index == 0 else 0.1)


@pytest.mark.parametrize("path", NETS, ids=lambda path: path.stem)
def test_outputs(path: Path, record_property: Callable[[str, object], None]) -> None:
    """Of the recorded weights, for the recorded inputs."""
    notes, arrays = outputs()
    reference = notes[path.name]
    net = load(path, reference)
    compare_shapes(net, reference)
    assert sum(p.count for ps in net.params.values() for p in ps) >= reference["count"]
    exe = netdef.compile(net, device="cpu")
    types = {layer.name: layer.type for layer in net.layers}
    with torch.no_grad():
        for layer, tensors in exe.params.items():
            for index, tensor in enumerate(tensors):
                values = weights(layer, types[layer], index, tuple(tensor.shape))
                tensor.copy_(torch.from_numpy(values))
        feed = {name: drawn(name, net.blobs[name].shape or ()) for name in net.inputs}
        expected = {
            key.partition("::")[2]: values
            for key, values in arrays.items()
            if key.partition("::")[0] == path.name
        }
        stats = {k: v for k, v in reference["stats"].items() if not SPLIT.search(k)}
        actual = exe.run(feed, [*expected, *stats])
    for name, values in expected.items():
        difference = np.abs(actual[name].numpy() - values).max() / np.abs(values).max()
        record_property("forward", float(difference))
        assert difference <= BAR
    for name, (mean, std, least, most) in stats.items():
        blob = actual[name]
        found = [float(v) for v in (blob.mean(), blob.std(correction=0), blob.min(), blob.max())]
        np.testing.assert_allclose(found, [mean, std, least, most], rtol=BAR, atol=BAR)
