"""Memory: a file costs its tensors and little more, also where its values are converted."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netdef.schema import pb
from netdef.weights import write_weights
from netdef.weights.wire import encode_head

MIB = 2**20
PEAK = """
import sys
from netdef.weights import read_weights, write_weights
import numpy.lib.format, h5py, safetensors.numpy

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024

before = peak()
weights = read_weights(sys.argv[1])
print(peak() - before)
if len(sys.argv) > 2:
    write_weights(sys.argv[2], weights)
    print(peak() - before)
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="asks Linux for the peak of a process"
)


def peaks(*paths):
    command = [sys.executable, "-c", PEAK, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.split()]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """64 MiB of values in 16 layers."""
    path = tmp_path_factory.mktemp("large") / "x.caffemodel"
    random = np.random.default_rng(0)
    write_weights(path, {f"ip{i}": [random.random((1024, 1024), np.float32)] for i in range(16)})
    return path


def test_reading_and_writing_caffemodel(large, tmp_path):
    reading, writing = peaks(large, tmp_path / "y.caffemodel")
    assert reading < 64 * MIB + 8 * MIB
    assert writing < 64 * MIB + 8 * MIB
    assert (tmp_path / "y.caffemodel").read_bytes() == large.read_bytes()


@pytest.mark.parametrize("suffix", [".h5", ".safetensors", ".npz"])
def test_reading_the_other_formats(large, tmp_path, suffix):
    path = tmp_path / f"y{suffix}"
    _, writing = peaks(large, path)
    assert writing < 2 * 64 * MIB + 16 * MIB
    (reading,) = peaks(path)
    assert reading < 2 * 64 * MIB + 16 * MIB  # safetensors maps the file


def test_values_that_are_not_packed(tmp_path):
    """5 bytes per value in the file, 4 in memory."""
    count = 4 * MIB
    rows = np.zeros((count, 5), np.uint8)
    rows[:, 0] = 0x2D
    shape = pb.BlobProto(shape=pb.BlobShape(dim=[count])).SerializeToString()
    blob = shape + rows.tobytes()
    layer = encode_head(7, len(blob)) + blob
    path = tmp_path / "x.caffemodel"
    path.write_bytes(encode_head(100, len(layer)) + layer)
    (reading,) = peaks(path)
    # The pages of the mapping that the search for the end of the run has touched count as ours.
    assert reading < 9 * count + 8 * MIB


def test_a_file_that_claims_more_than_it_has_costs_nothing(tmp_path):
    blob = (
        pb.BlobProto(shape=pb.BlobShape(dim=[2**30])).SerializeToString()
        + b"\x2a\x80\x80\x80\x80\x10"
    )
    layer = encode_head(7, len(blob)) + blob
    path = tmp_path / "x.caffemodel"
    path.write_bytes(encode_head(100, len(layer)) + layer)
    command = [sys.executable, "-c", PEAK.replace("read_weights(sys", "attempt(sys"), str(path)]
    command[2] = command[2].replace(
        "before =",
        "def attempt(path):\n"
        "    try:\n"
        "        read_weights(path)\n"
        "    except Exception as fault:\n"
        "        assert type(fault).__name__ == 'NetdefError'\n"
        "before =",
    )
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 8 * MIB
