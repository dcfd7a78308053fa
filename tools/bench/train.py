"""Images per second of training: netdef's Solver against a hand-written PyTorch loop.

    python tools/bench/train.py                        # LeNet, CIFAR-10 full, ResNet-50, on the CPU
    python tools/bench/train.py --nets lenet --pairs 20
    python tools/bench/train.py --device cuda --precision bf16 --batch 256 --nets resnet50
    python tools/bench/train.py --compiled
    python tools/bench/train.py --memory               # peaks of resident memory, a process each

Both learn from the same constant images, in blocks of iterations that alternate; the ratio is the
median over the pairs of blocks. The loop is in its best layout: channels_last where that is faster.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent))
import train_nets

import netdef
from netdef.torch_backend.precision import autocast, use_precision

BATCHES = {"lenet": 64, "cifar10_full": 100, "resnet50": 8}
BLOCK = {"lenet": 20, "cifar10_full": 4, "resnet50": 1}
SOLVER = """
train_net: "net.prototxt" base_lr: 0.001 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.0005
random_seed: 1 display: 0 snapshot_after_train: false
"""

Block = Callable[[int], None]


def ours(name: str, batch: int, device: str, precision: str, compiled: bool) -> Block:
    """Return a function that trains for some iterations with netdef."""
    folder = Path(tempfile.mkdtemp())
    (folder / "net.prototxt").write_text(train_nets.prototxt(name, batch))
    (folder / "solver.prototxt").write_text(SOLVER)
    os.chdir(folder)
    solver = netdef.Solver("solver.prototxt", device=device, precision=precision, compiled=compiled)
    return lambda n: finished(solver.step(n), device)


def theirs(name: str, batch: int, device: str, precision: str, compiled: bool) -> Block:
    """Return a function that trains for some iterations as one would write it by hand."""
    use_precision(precision)
    torch.manual_seed(1)
    model: nn.Module = train_nets.module(name).to(device).train()
    images = torch.full((batch, *train_nets.INPUTS[name]), 0.5, device=device)
    labels = torch.zeros(batch, dtype=torch.long, device=device)
    if device == "cpu" or precision != "fp32":
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    run = torch.compile(model) if compiled else model
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.001, momentum=0.9, weight_decay=0.0005, foreach=True
    )

    def block(n: int) -> None:
        loss = torch.zeros(())
        for _ in range(n):
            optimizer.zero_grad(set_to_none=True)
            with autocast(precision, torch.device(device)):
                loss = F.cross_entropy(run(images).float(), labels)
            loss.backward()
            optimizer.step()
        finished(loss.detach(), device)

    return block


def finished(loss: Tensor | float, device: str) -> None:
    """Wait for the device."""
    float(loss)
    if device != "cpu":
        torch.cuda.synchronize()


def compare(name: str, pairs: int, batch: int, arguments: argparse.Namespace) -> dict[str, object]:
    """Time both in alternating blocks."""
    options = batch, arguments.device, arguments.precision, arguments.compiled
    blocks = {"netdef": ours(name, *options), "loop": theirs(name, *options)}
    count = BLOCK[name]
    for block in blocks.values():
        block(max(3, count // 5))
    ratios, times = [], {key: [] for key in blocks}
    for pair in range(pairs):
        order = list(blocks) if pair % 2 == 0 else list(reversed(blocks))
        took = {}
        for key in order:
            start = time.perf_counter()
            blocks[key](count)
            took[key] = (time.perf_counter() - start) / count
            times[key].append(took[key])
        ratios.append(took["loop"] / took["netdef"])
    return {
        "net": name,
        "batch": batch,
        "images_per_second": {key: batch / statistics.median(v) for key, v in times.items()},
        "milliseconds": {key: 1000 * statistics.median(v) for key, v in times.items()},
        "ratio": statistics.median(ratios),
        "quartiles": statistics.quantiles(ratios, n=4) if pairs > 1 else [],
    }


def peak(name: str, which: str, batch: int, arguments: argparse.Namespace) -> int:
    """Return the peak of resident memory, in bytes, of three iterations in this process."""
    make = ours if which == "netdef" else theirs
    options = batch, arguments.device, arguments.precision, arguments.compiled
    make(name, *options)(3)
    if arguments.device != "cpu":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def memory(name: str, batch: int) -> dict[str, object]:
    """Measure both in processes of their own."""
    peaks = {}
    for which in ("netdef", "loop"):
        command = [sys.executable, __file__, *sys.argv[1:], "--nets", name, "--peak-of", which]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks[which] = int(found.stdout)
    ratio = peaks["netdef"] / peaks["loop"]
    return {"net": name, "batch": batch, "peak_bytes": peaks, "ratio": ratio}


def main() -> None:
    """Print a JSON object per net."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", default=list(BATCHES), choices=list(BATCHES))
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=0, help="in place of the net's own")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--peak-of", choices=["netdef", "loop"])
    arguments = parser.parse_args()
    for name in arguments.nets:
        batch = arguments.batch or BATCHES[name]
        if arguments.peak_of:
            print(peak(name, arguments.peak_of, batch, arguments))
        elif arguments.memory:
            print(json.dumps(memory(name, batch)))
        else:
            print(json.dumps(compare(name, arguments.pairs, batch, arguments)), flush=True)


if __name__ == "__main__":
    main()
