"""Snapshots that were cut off or changed: found out, all of them, and said in a diagnostic.

`make test` takes a sample of the offsets and 200 flipped bits for each kind of file; `make
test-full` every offset and 10,000 flipped bits for each.
"""

import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import netdef
from netdef.training.snapshot import check_weights, read_state

CONFORMANCE = Path(__file__).parents[1] / "conformance"
KINDS = ("solverstate", "solverstate.h5", "caffemodel", "caffemodel.h5")
FOREIGN = ("adam.iter20.solverstate", "sgd_hdf5.iter20.solverstate.h5")


@pytest.fixture(params=KINDS)
def file(request: pytest.FixtureRequest, folder: Path) -> Path:
    """One of the two files of a snapshot; the other lies beside it, whole."""
    more = "snapshot_format: HDF5" if request.param.endswith(".h5") else ""
    (folder / "more.prototxt").write_text((folder / "solver.prototxt").read_text() + more)
    solver = netdef.Solver(folder / "more.prototxt")
    solver.step(2)
    weights, state = solver.snapshot()
    return state if "state" in request.param else weights


def load(file: Path) -> None:
    """Load the snapshot that a file belongs to, as far as its integrity goes."""
    check_weights(read_state(file.with_name(file.name.replace("caffemodel", "solverstate"))))


def undetected(file: Path, changed: Iterable[bytes]) -> int:
    """Return how many changed contents of a file load; any error but NetdefError is raised."""
    whole, count = file.read_bytes(), 0
    for content in changed:
        file.write_bytes(content)
        try:
            load(file)
            count += 1
        except netdef.NetdefError as fault:
            assert fault.diagnostics
    file.write_bytes(whole)
    return count


def flipped(raw: bytes, rng: random.Random) -> bytes:
    """A copy with one bit changed."""
    out = bytearray(raw)
    out[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(out)


@pytest.mark.parametrize("sample", [200, pytest.param(None, marks=pytest.mark.slow)])
def test_cut_off_at_every_offset(file: Path, sample: int | None) -> None:
    load(file)
    raw = file.read_bytes()
    offsets = range(len(raw))
    if sample is not None:  # the ends are where it is hard, and some of the middle
        middle = range(sample, len(raw) - sample, max(1, len(raw) // sample))
        offsets = [*offsets[:sample], *middle, *offsets[-sample:]]
    assert undetected(file, (raw[:length] for length in offsets)) == 0
    load(file)


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_flipped_bits(file: Path, count: int) -> None:
    raw, rng = file.read_bytes(), random.Random(count)
    assert undetected(file, (flipped(raw, rng) for _ in range(count))) == 0


@pytest.mark.parametrize("added", [b"\0", b"sha256:", b"x" * 100])
def test_something_behind_the_end(file: Path, added: bytes) -> None:
    assert undetected(file, [file.read_bytes() + added]) == 0


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("count", [200, pytest.param(5_000, marks=pytest.mark.slow)])
def test_files_without_a_digest_end_in_an_error_or_load(
    tmp_path: Path, name: str, count: int
) -> None:
    """Of Caffe's own files only the structure can be checked, but nothing else is raised."""
    raw, rng = (CONFORMANCE / name).read_bytes(), random.Random(count)
    damages: tuple[Callable[[], bytes], ...] = (
        lambda: flipped(raw, rng),
        lambda: raw[: rng.randrange(len(raw))],
    )
    file = tmp_path / name
    file.write_bytes(raw)
    assert undetected(file, (rng.choice(damages)() for _ in range(count))) < count


@pytest.mark.parametrize("name", [b"\xff\xfe", b"a\0b", b"x" * 5000, b"", b"."])
def test_names_that_are_none(tmp_path: Path, name: bytes) -> None:
    """A state of Caffe's whose field for the weights' path holds anything."""
    file = tmp_path / "x_iter_1.solverstate"
    field = bytes([2 << 3 | 2, len(name) & 0x7F | 0x80, len(name) >> 7])
    file.write_bytes(b"\x08\x01" + field + name)
    with pytest.raises(netdef.NetdefError, match="are not there"):
        load(file)
