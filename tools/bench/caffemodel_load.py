"""Load time of a `.caffemodel` against protobuf's own parse of the same bytes.

    python tools/bench/caffemodel_load.py [--mib 250] [--convolutions 155] [--rounds 15]

protobuf parses bytes that are already in memory; netdef starts from the path, so that it also
opens, maps and reads the file, and looks for NaN. The two take turns, so that other
work in the background slows both alike. A ratio above 1 means that netdef is faster.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from netdef.schema import pb
from netdef.weights import read_weights, write_weights


def generate(path: Path, mib: int, convolutions: int) -> None:
    """Write a file of about `mib` MiB with the layers of a residual net."""
    random = np.random.default_rng(0)
    values: dict[str, list[np.ndarray]] = {}
    for index in range(convolutions):
        count = mib * 2**18 // convolutions
        values[f"conv{index}"] = [random.random((count, 1), np.float32)]
        values[f"bn{index}"] = [np.ones(shape, np.float32) for shape in (256, 256, 1)]
        values[f"scale{index}"] = [np.ones(256, np.float32), np.zeros(256, np.float32)]
        values[f"relu{index}"] = []
    write_weights(path, values)


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes, without the time to free its result."""
    start = time.perf_counter()
    result = call()
    taken = time.perf_counter() - start
    del result
    return taken


def main() -> None:
    """Print both medians, and the median of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mib", type=int, default=250, help="size of the file in MiB")
    parser.add_argument("--convolutions", type=int, default=155, help="layers with large blobs")
    parser.add_argument("--rounds", type=int, default=15, help="how often each is measured")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.caffemodel"
        generate(path, args.mib, args.convolutions)
        raw = path.read_bytes()
        read_weights(path), pb.NetParameter().ParseFromString(raw)
        ours, theirs = [], []
        for _ in range(args.rounds):
            ours.append(seconds(lambda: read_weights(path)))
            theirs.append(seconds(lambda: pb.NetParameter().ParseFromString(raw)))
    print(f"file            {len(raw) / 2**20:8.1f} MiB")
    print(f"netdef          {median(ours) * 1e3:8.1f} ms")
    print(f"ParseFromString {median(theirs) * 1e3:8.1f} ms")
    ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
    print(f"ratio           {ratio:8.2f}")


if __name__ == "__main__":
    main()
