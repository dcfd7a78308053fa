"""Damage in every format: a NetdefError, or weights that still fit the net; never anything else.

A flipped bit of a value cannot be seen in a file without checksums. A flipped bit of a name, a
shape or a count must not give a parameter other values than it has room for.
"""

import random

import numpy as np
import pytest

from netdef.source import NetdefError
from netdef.weights import match_weights, read_weights, write_weights

SUFFIXES = (".caffemodel", ".h5", ".safetensors", ".npz")
NET = """\
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 2, 6, 6] } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 3 kernel_size: 3 } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" }
layer { name: "scale" type: "Scale" bottom: "bn" top: "bn" scale_param { bias_term: true } }
layer { name: "ip" type: "InnerProduct" bottom: "bn" top: "ip"
        inner_product_param { num_output: 2 } }
"""


@pytest.fixture(scope="module", params=SUFFIXES)
def whole(request, tmp_path_factory):
    """The path of a whole file, its bytes, and the net it belongs to."""
    from netdef.passes.pipeline import Request, load_net
    from netdef.source import SourceFile

    net = load_net(SourceFile("net.prototxt", NET), "TEST", Request())
    draw = np.random.default_rng(0)
    values = {
        layer.name: [draw.standard_normal(p.shape, np.float32) for p in layer.params]
        for layer in net.layers
        if layer.params
    }
    path = tmp_path_factory.mktemp("faults") / f"x{request.param}"
    write_weights(path, values, net)
    return path, path.read_bytes(), net


def check(path, raw, net):
    """Read damaged bytes; return whether they could be matched to the net."""
    path.write_bytes(raw)
    try:
        weights = read_weights(path)
        found = match_weights(weights, net)
    except NetdefError as fault:
        assert path.name in str(fault)
        return False
    for layer in weights.layers:
        for blob in layer.blobs:
            assert blob is None or (blob.dtype == np.float32 and blob.flags.c_contiguous)
    for param, array in found.values.items():
        assert array.shape == param.shape, param.layer
    names = {layer.name for layer in net.layers if layer.params}
    assert {param.layer for param in found.values} | set(found.missing) == names
    return True


def flips(raw, count, seed):
    draw = random.Random(seed)
    for _ in range(count):
        damaged = bytearray(raw)
        damaged[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
        yield bytes(damaged)


def sampled(raw, count):
    """Every length of a small file, or `count` evenly spread ones and the last ones."""
    step = max(1, len(raw) // count)
    return sorted({*range(0, len(raw), step), *range(max(0, len(raw) - 64), len(raw))})


def test_cut(whole):
    """A caffemodel at every offset, the others at some hundred."""
    path, raw, net = whole
    lengths = range(len(raw)) if path.suffix == ".caffemodel" else sampled(raw, 150)
    read = [size for size in lengths if check(path, raw[:size], net)]
    # A message may end after any layer, and HDF5 writes zeros last; the other formats say how
    # long they are.
    if path.suffix in (".safetensors", ".npz"):
        assert not read


def test_flipped_bits(whole):
    path, raw, net = whole
    for damaged in flips(raw, 300, seed=1):
        check(path, damaged, net)


@pytest.mark.slow
def test_many_flipped_bits(whole):
    path, raw, net = whole
    count = 10_000 if path.suffix == ".caffemodel" else 3_000
    for damaged in flips(raw, count, seed=2):
        check(path, damaged, net)


@pytest.mark.slow
def test_cut_at_every_offset(whole):
    path, raw, net = whole
    for size in range(len(raw)):
        check(path, raw[:size], net)
