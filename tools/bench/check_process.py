"""`netdef check` as a whole process, against a process in which protobuf reads the same file.

The other process imports protobuf and our generated messages and calls `text_format.Parse`: what
anyone would write who wants to know only whether a file is well-formed. Both run in turn; the
ratio of each pair is what counts, since machines drift. Wanted: a median of at most 3.5.

    python tools/bench/check_process.py [FILE] [PAIRS]
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEER = (
    "import sys; from google.protobuf import text_format; from netdef.schema import netdef_pb2; "
    "text_format.Parse(open(sys.argv[1]).read(), netdef_pb2.NetParameter())"
)


def seconds(command: list[str]) -> float:
    """Return the wall time of a process that must succeed."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main(file: str, pairs: int) -> None:
    """Print both medians and the ratio's minimum, median and maximum."""
    ours = [str(Path(sys.executable).with_name("netdef")), "check", file]
    theirs = [sys.executable, "-c", PEER, file]
    seconds(ours), seconds(theirs)  # what is read from disk is read now
    measured = [(seconds(ours), seconds(theirs)) for _ in range(pairs)]
    ratios = sorted(a / b for a, b in measured)
    print(f"{file}, {pairs} pairs")
    print(f"netdef check:  {statistics.median(a for a, _ in measured) * 1000:7.1f} ms")
    print(f"text_format:   {statistics.median(b for _, b in measured) * 1000:7.1f} ms")
    print(f"ratio: {ratios[0]:.2f} to {ratios[-1]:.2f}, median {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    model = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "models" / "lenet" / "deploy.prototxt")
    main(model, int(sys.argv[2]) if len(sys.argv) > 2 else 20)
