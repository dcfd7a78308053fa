"""Milliseconds of a forward pass on the CPU: netdef's engines, onnxruntime, OpenCV, plain PyTorch.

    python tools/bench/infer_cpu.py
    python tools/bench/infer_cpu.py --nets squeezenet --batches 1 --pairs 2

The nets are published ones and lie beside the checkout, in ../shared/conformance/nets; weights and
inputs are random. PyTorch is the module that `netdef export -o model.py` writes, run as it is;
onnxruntime is given the model that `netdef export` makes. In every round each contestant runs once,
in turn, all with the same number of threads. Given are the medians of the rounds, and the median of
the ratios to onnxruntime within a round: above 1 is slower. What a contestant cannot run is left
out, with the reason on standard error. --json prints the same as JSON.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import torch

import netdef
from netdef.engines import engine_of
from netdef.engines.onnx_engine import as_onnx
from netdef.onnx_backend.verify import open_session
from netdef.source import NetdefError
from netdef.torch_backend.executable import Executable
from netdef.torch_source.export_source import export_source

NETS = Path(__file__).parents[3] / "shared" / "conformance" / "nets"
FILES = {
    "alexnet": "alexnet",
    "googlenet": "googlenet",
    "resnet50": "resnet50",
    "mobilenet": "mobilenet",
    "squeezenet": "squeezenet_v1.1",
}
OURS = ("torch", "optimized", "compiled", "onnxruntime")
JUDGE = "onnxruntime itself"
WARM_UP = 3
BAR = 1e-3
PAUSE = 0.02
"""Seconds between two passes: the threads of the one before spin for a while before they sleep."""

Run = Callable[[], Any]


def load(name: str, batch: int) -> Executable:
    """Return a net with random weights that keep its values in bounds."""
    path = NETS / f"{FILES[name]}.prototxt"
    (data,) = netdef.load(path).inputs
    shape = netdef.load(path).blobs[data].shape or ()
    exe = netdef.compile(netdef.load(path, shapes={data: (batch, *shape[1:])}), device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in exe.net.layers:
            for index, tensor in enumerate(exe.params.get(layer.name, ())):
                values = torch.randn(tensor.shape, generator=generator)
                if layer.type == "BatchNorm":
                    values = (values * 0.1, values.abs() + 0.5, torch.ones(1))[index]
                elif layer.type == "Scale":
                    values = (index == 0) + 0.1 * values
                else:
                    values *= (2 / (values.numel() / len(values))) ** 0.5 if index == 0 else 0.1
                tensor.copy_(values)
    return exe


def ours(exe: Executable, x: np.ndarray, name: str) -> Run:
    """An engine of netdef's."""
    engine = engine_of(exe, name)
    feed = {exe.net.inputs[0]: torch.from_numpy(x)}
    return lambda: next(iter(engine.run(feed).values())).numpy()


def onnxruntime(exe: Executable, x: np.ndarray) -> Run:
    """The session alone."""
    made = as_onnx(exe)
    session = open_session(made.model.SerializeToString(), threads=torch.get_num_threads())
    feed = {made.inputs[exe.net.inputs[0]]: x}
    return lambda: session.run(None, feed)[0]


def opencv(exe: Executable, x: np.ndarray) -> Run:
    """OpenCV's own reader of Caffe's files."""
    import cv2

    cv2.setNumThreads(torch.get_num_threads())
    source = exe.net.file
    assert source is not None
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "net.caffemodel")
        exe.save_weights(weights)
        net = cv2.dnn.readNetFromCaffe(source.path, str(weights))

    def run() -> Any:
        net.setInput(x)
        return net.forward()

    return run


def pytorch(exe: Executable, x: np.ndarray) -> Run:
    """The source that netdef writes, which is plain torch.nn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.py")
        export_source(exe, path, netdef.__version__)
        spec = spec_from_file_location("model", path)
        assert spec is not None and spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        net = module.Net().load(path.with_suffix(".safetensors")).eval()
    data = torch.from_numpy(x)

    def run() -> Any:
        with torch.inference_mode():
            return net(data).numpy()

    return run


def contestants(exe: Executable, x: np.ndarray) -> dict[str, Run]:
    """Return what can run the net, each made, compiled and warm."""
    makers: dict[str, Callable[[Executable, np.ndarray], Run]] = {
        JUDGE: onnxruntime,
        "OpenCV": opencv,
        "PyTorch": pytorch,
        **{f"netdef {name}": lambda e, x, name=name: ours(e, x, name) for name in OURS},
    }
    found: dict[str, Run] = {}
    expected = ours(exe, x, "torch")()
    for name, make in makers.items():
        try:
            run = make(exe, x)
            gap = np.abs(run().reshape(expected.shape) - expected).max() / np.abs(expected).max()
        except (ImportError, NetdefError) as fault:
            print(f"{name} cannot run {exe.net.name}: {fault}", file=sys.stderr)
            continue
        assert gap <= BAR, f"{name} computes something else: {gap}"
        for _ in range(WARM_UP):
            run()
        found[name] = run
    return found


def measured(runs: dict[str, Run], rounds: int) -> dict[str, dict[str, float]]:
    """Return milliseconds, and the ratio to onnxruntime, by contestant."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        # Nobody runs always behind the same one.
        order = list(runs) if number % 2 == 0 else list(runs)[::-1]
        for name in order:
            time.sleep(PAUSE)
            start = time.perf_counter()
            runs[name]()
            times[name].append((time.perf_counter() - start) * 1e3)
    return {
        name: {
            "ms": statistics.median(taken),
            "ratio": statistics.median(map(float.__truediv__, taken, times[JUDGE])),
        }
        for name, taken in times.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Inference on the CPU")
    parser.add_argument("--nets", nargs="+", choices=FILES, default=list(FILES))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--pairs", type=int, default=15, help="rounds per net and batch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    given = parser.parse_args()
    if not NETS.is_dir():
        sys.exit(f"the nets are not there: {NETS}")
    torch.set_num_threads(given.threads)
    packages = ("torch", "onnxruntime", "opencv-python-headless")
    rows: list[dict[str, Any]] = []
    for name in given.nets:
        for batch in given.batches:
            exe = load(name, batch)
            shape = exe.net.blobs[exe.net.inputs[0]].shape or ()
            x = np.random.default_rng(0).standard_normal(shape, np.float32)
            rows.append(
                {"net": name, "batch": batch, "times": measured(contestants(exe, x), given.pairs)}
            )
            if not given.json:
                show(rows[-1])
    if given.json:
        versions = {package: version(package) for package in packages}
        fields = {"threads": given.threads, "pairs": given.pairs, "versions": versions}
        print(json.dumps({**fields, "rows": rows}, indent=2))


def show(row: dict[str, Any]) -> None:
    """Print a net's times, the fastest first."""
    print(f"{row['net']}, batch of {row['batch']}")
    for name, found in sorted(row["times"].items(), key=lambda item: item[1]["ms"]):
        print(f"  {name:<20} {found['ms']:9.2f} ms   {found['ratio']:5.2f} x onnxruntime")


if __name__ == "__main__":
    main()
