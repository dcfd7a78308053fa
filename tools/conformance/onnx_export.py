"""Export every net of ../shared to ONNX and compare with onnxruntime: a table.

    python tools/conformance/onnx_export.py [--nets PATTERN] [--fp16] [--dynamic-size] [--jobs 1]

Each net gets drawn weights and is exported twice: as opset 17 from a batch of 1, and as the newest
opset from a batch of 8. Each export compares two batches, its own and 3, where the net allows it.
A net of the corpus is forward-capable when the types of all its layers are known, in phase TEST,
with the shapes of the inputs as the file or INPUTS here give them.
"""

import argparse
import fnmatch
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

ROOT = Path(__file__).resolve().parents[3] / "shared" / "conformance"
TRIES = ((17, 1), (None, 8))
"""Opset (None for the newest) and batch of each export."""

INPUTS: dict[str, dict[str, tuple[int, ...]]] = {
    "*cifar10*": {"data": (1, 3, 32, 32)},
    "*siamese*": {"pair_data": (1, 2, 28, 28), "sim": (1,)},
    "*mnist*": {"data": (1, 1, 28, 28)},
    "*hdf5_classification*": {"data": (1, 4), "label": (1,)},
    "*imagenet*": {"data": (1, 3, 227, 227)},
    "*": {"data": (1, 3, 224, 224)},
}
"""Shapes of inputs that only the data would tell, by pattern of the path; the first that fits."""

Shapes = Mapping[str, tuple[int, ...]]


@dataclass
class Result:
    """What became of one net."""

    path: str
    capable: bool = False
    exported: bool = False
    agrees: bool = False
    worst: float = 0.0
    batches: set[int] = field(default_factory=set)
    opsets: set[int] = field(default_factory=set)
    open_size: bool = False
    seconds: float = 0.0
    said: str = ""


def paths() -> list[str]:
    """The nets, relative to ROOT: the published ones, then those of the corpus."""
    corpus = json.loads(gzip.decompress((ROOT / "corpus" / "expected.json.gz").read_bytes()))
    nets = sorted(f"nets/{path.name}" for path in (ROOT / "nets").glob("*.prototxt"))
    return nets + sorted(f"corpus/{path}" for path, said in corpus.items() if said["kind"] == "net")


def load(path: str, batch: int) -> Any:
    """The net for a batch, or for its own where it fits no other; for an autoencoder, as tested.

    Raises:
        NetdefError: It cannot be loaded.
        ValueError: It is not forward-capable.
    """
    import netdef
    from netdef.source import NetdefError

    stages = ("test-on-train",) if "autoencoder" in path else ()
    net = netdef.load(ROOT / path, stages=stages)
    if not net.inputs:
        raise ValueError("no layer is known to be its source")
    given = next(shapes for pattern, shapes in INPUTS.items() if fnmatch.fnmatch(path, pattern))
    known = {name: net.blobs[name].shape for name in net.inputs}
    whole = next((shape[0] for shape in known.values() if shape), 1)  # of the labels, perhaps
    wanted = {name: (whole, *shape[1:]) for name, shape in given.items()}
    known = {name: shape or wanted.get(name) for name, shape in known.items()}
    shapes = {name: shape for name, shape in known.items() if shape is not None}
    if missing := ", ".join(known.keys() - shapes.keys()):
        raise ValueError(f"no shape is known for {missing}")
    try:
        net = netdef.load(ROOT / path, stages=stages, shapes=with_batch(shapes, batch))
    except NetdefError:
        net = netdef.load(ROOT / path, stages=stages, shapes=shapes)
    stuck = [layer.type for layer in net.layers if layer.params is None]
    if stuck:
        raise ValueError(f"cannot be inferred: layers of type {', '.join(dict.fromkeys(stuck))}")
    return net


def with_batch(shapes: Shapes, batch: int) -> Shapes:
    """The shapes for another batch; inputs that do not go with the first keep theirs."""
    own = next(iter(shapes.values()))[:1]
    return {n: (batch, *s[1:]) if s[:1] == own else s for n, s in shapes.items()}


def drawn(name: str, learnable: bool, index: int, shape: tuple[int, ...]) -> Any:
    """Values that a trained net could have, and that depend on the name alone."""
    import numpy as np

    values = np.random.RandomState(crc32(name.encode())).standard_normal(shape)
    if not learnable:  # variances are among them
        return np.abs(values) * 0.5 + 0.5
    if index:
        return values * 0.1
    return 1 + 0.1 * values if len(shape) < 2 else values * (2 / (values.size / shape[0])) ** 0.5


def program(net: Any) -> Any:
    """The net as a torch program with drawn weights, at which values keep their size.

    Layer after layer is scaled so that what it makes of random images has a standard deviation of 1
    (Mishkin and Matas, All You Need Is a Good Init, 2016): where values grow a hundredfold, as at
    arbitrary weights, a softmax behind them tells rounding apart from nothing.
    """
    import torch

    import netdef
    from netdef.onnx_backend.feeds import random_feed

    exe = netdef.compile(net, device="cpu")
    with torch.no_grad():
        for layer, params in net.params.items():
            for index, (param, tensor) in enumerate(zip(params, exe.params[layer], strict=True)):
                if param.owner is None:
                    values = drawn(f"{layer}/{index}", param.learnable, index, param.shape)
                    tensor.copy_(torch.from_numpy(values).reshape(tensor.shape))
        hooks = [m.register_forward_hook(unit_variance) for m in exe.layers.modules()]
        shapes = {name: net.blobs[name].shape for name in net.inputs}
        one = {n: (1, *s[1:]) if len(s) > len("CHW") else s for n, s in shapes.items()}
        try:
            exe.run(random_feed(net, one))
        except netdef.source.NetdefError:  # it takes this batch only
            exe.run(random_feed(net, shapes))
    for hook in hooks:
        hook.remove()
    return exe


def unit_variance(module: Any, inputs: Any, output: Any) -> Any:
    """Scale a module that multiplies by a matrix or kernel, and its output, as a forward hook."""
    del inputs
    own = dict(module.named_parameters(recurse=False))
    if "weight" not in own or own["weight"].dim() < len("ab"):
        return None
    scale = float(output.std())
    if not 0 < scale < float("inf"):
        return None
    for tensor in own.values():
        tensor /= scale
    return output / scale


def try_net(path: str, half: bool, dynamic_size: bool) -> Result:
    """Export one net in all ways."""
    import netdef
    from netdef.onnx_backend.opset import newest_opset
    from netdef.source import NetdefError

    result, start = Result(path), time.perf_counter()
    try:
        nets = [(opset, load(path, batch)) for opset, batch in TRIES]
    except (NetdefError, ValueError) as reason:
        result.said = str(reason).splitlines()[0]
        return result
    result.capable = True
    try:
        with tempfile.TemporaryDirectory() as folder:
            for opset, net in nets:
                done = netdef.export_onnx(
                    net,
                    Path(folder, "net.onnx"),
                    opset=opset or newest_opset(),
                    executable=program(net),
                    half=half,
                    dynamic_size=dynamic_size,
                )
                assert done.comparison is not None
                result.exported = True
                result.opsets.add(done.opset)
                result.worst = max(result.worst, done.comparison.relative)
                for shapes in done.comparison.shapes:
                    result.batches.add(next(iter(shapes.values()))[0])
                result.open_size |= any("H" in sizes for sizes in done.inputs.values())
                result.said = "; ".join(
                    w.message for w in done.warnings if w.rule in ("fixed-size", "fixed-batch")
                )
        result.agrees = True
    except NetdefError as fault:
        result.exported |= all(d.rule == "onnx-mismatch" for d in fault.diagnostics)
        result.said = str(fault)
    result.seconds = time.perf_counter() - start
    return result


def isolated(path: str, half: bool, dynamic_size: bool) -> Result:
    """Try a net in a process of its own, so that its memory is given back."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(try_net, path, half, dynamic_size).result()
        except BrokenProcessPool:
            return Result(path, capable=True, said="the process was killed: too little memory?")


def main() -> int:
    """Try the nets and print the table; 1 when a net that is forward-capable does not agree."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nets", default="*", help="only paths that fit this pattern")
    parser.add_argument("--fp16", action="store_true")
    parser.add_argument("--dynamic-size", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args()
    wanted = [path for path in paths() if fnmatch.fnmatch(path, chosen.nets)]
    results: list[Result] = []
    one = partial(isolated, half=chosen.fp16, dynamic_size=chosen.dynamic_size)
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for result in pool.map(one, wanted):
            results.append(result)
            show(result)
    columns = "folder | nets | forward-capable | exported | agree | worst"
    print(f"\n| {columns} | batches | opsets |")
    print("|---|---|---|---|---|---|---|---|")
    for folder in ("nets", "corpus"):
        summary([result for result in results if result.path.startswith(folder)], folder)
    return int(any(result.capable and not result.agrees for result in results))


def show(result: Result) -> None:
    """Print one net's line."""
    state = "ok" if result.agrees else "FAILED" if result.capable else "left out"
    batches = "/".join(map(str, sorted(result.batches)))
    size = " open size" if result.open_size else ""
    line = f"{state:8} {result.worst:8.1e} {batches:6} {result.seconds:6.1f} s  {result.path}{size}"
    print(
        line, f"  {result.said}" if result.said else "", sep="\n" if result.said else "", flush=True
    )


def summary(results: list[Result], folder: str) -> None:
    """Print the line of a folder."""
    capable = [result for result in results if result.capable]
    agreeing = [result for result in capable if result.agrees]
    every = sum(result.batches >= {1, 3, 8} for result in agreeing)
    opsets = sorted({opset for result in agreeing for opset in result.opsets})
    cells = [
        *(folder, len(results), len(capable), sum(result.exported for result in capable)),
        len(agreeing),
        f"{max((r.worst for r in agreeing), default=0.0):.1e}",
        *(f"1/3/8 for {every}, own for {len(agreeing) - every}", ", ".join(map(str, opsets))),
    ]
    print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    sys.exit(main())
