"""Parsing and binding a prototxt, against protobuf's `text_format.Parse` of the same bytes.

Ours keeps a place for everything and fills the same message. Both run in turn and the ratio of
each pair is what counts, since machines drift. Wanted on 10,000 lines: a median of at least 1.5
times protobuf's speed, never below 1.2. After that, texts of growing length, each in a process of
its own: time and memory per line, which should not grow.

    python tools/bench/parse.py [FILE ...] [--pairs N] [--lines N]
"""

import argparse
import gc
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from google.protobuf import text_format

from netdef import catalog
from netdef.frontend.bind import bind
from netdef.frontend.parse import parse
from netdef.schema import pb
from netdef.source import SourceFile

_LAYERS = """\
layer {{
  name: "conv{i}"
  type: "Convolution"
  bottom: "act{before}"
  top: "conv{i}"
  param {{ lr_mult: 1 decay_mult: 1 }}
  param {{
    lr_mult: 2
    decay_mult: 0
  }}
  convolution_param {{
    num_output: 96
    kernel_size: 3
    stride: 1
    pad: 1  # as large as the input
    weight_filler {{
      type: "gaussian"
      std: 0.01
    }}
    bias_filler {{
      type: "constant"
      value: 0
    }}
  }}
}}
layer {{
  name: "act{i}"
  type: "ReLU"
  bottom: "conv{i}"
  top: "act{i}"
  include {{ phase: TRAIN }}
}}
"""


def generate(lines: int) -> str:
    """Return a net of `lines` lines: convolutions, each followed by its activation."""
    per_pair = _LAYERS.count("\n")
    text = "".join(_LAYERS.format(i=i, before=i - 1) for i in range(1, lines // per_pair + 1))
    return text + "# the end\n" * (lines - text.count("\n"))


def ours(raw: bytes) -> pb.NetParameter:
    """Read a text with our parser."""
    message = pb.NetParameter()
    document, faults = parse(SourceFile.decode("bench", raw))
    faults += bind(document, message, catalog)
    if faults:
        raise SystemExit(f"the text has faults: {faults[0].message}")
    return message


def theirs(raw: bytes) -> pb.NetParameter:
    """Read a text with protobuf's parser."""
    return text_format.Parse(raw, pb.NetParameter())


def seconds(read: object, raw: bytes) -> float:
    """Return the processor time of reading a text once, from a clean heap."""
    gc.collect()
    started = time.perf_counter()
    message = read(raw)  # type: ignore[operator]
    taken = time.perf_counter() - started
    del message
    return taken


def compare(name: str, raw: bytes, pairs: int) -> None:
    """Print one line of the first table."""
    if ours(raw) != theirs(raw):
        raise SystemExit(f"{name}: the messages differ")
    measured = [(seconds(ours, raw), seconds(theirs, raw)) for _ in range(pairs)]
    ratios = sorted(b / a for a, b in measured)
    us, them = (statistics.median(column) * 1000 for column in zip(*measured, strict=True))
    lines = raw.count(b"\n")
    print(
        f"{name[-40:]:40} {lines:>8,} {us:>10.1f} {them:>10.1f}"
        f" {statistics.median(ratios):>8.2f} {ratios[0]:>7.2f} to {ratios[-1]:.2f}"
    )


def grow(lines: int) -> None:
    """Print one line of the second table; this runs in a process of its own."""
    small = generate(1000).encode()
    ours(small)  # everything is imported and made
    raw = generate(lines).encode()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    started = time.perf_counter()
    ours(raw)
    taken = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"{lines:>10,} {len(raw) / 1e6:>8.1f} {taken:>8.2f} {taken / lines * 1e6:>10.2f}"
        f" {peak / 1e6:>8.0f} {(peak - before) / lines:>10.0f}",
        flush=True,
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--pairs", type=int, default=15, help="pairs of runs per text")
    parser.add_argument("--lines", type=int, help="only this length, in this process")
    given = parser.parse_args()
    if given.lines:
        grow(given.lines)
        return
    print(f"{'text':40} {'lines':>8} {'ours, ms':>10} {'theirs, ms':>10} {'ratio':>8}")
    compare("generated", generate(10_000).encode(), given.pairs)
    for file in given.files:
        compare(file, Path(file).read_bytes(), given.pairs)
    print(
        f"\n{'lines':>10} {'MB':>8} {'s':>8} {'us/line':>10} {'peak, MB':>8} {'B/line':>10}",
        flush=True,
    )
    for lines in (1000, 10_000, 100_000, 1_000_000):
        command = [sys.executable, __file__, "--lines", str(lines)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
