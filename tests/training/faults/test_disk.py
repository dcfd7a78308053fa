"""A disk that is full or broken, at every operation of a snapshot; and a process that ends there.

`make test` lets every operation fail, and ends the process at every 7th; `make test-full` at every
one.
"""

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import netdef
from netdef.cli import main
from netdef.training.saving import save
from netdef.training.snapshot import check_weights, read_state

ERRORS = {"no space left": errno.ENOSPC, "I/O error": errno.EIO}
MOST = 200
"""Operations that a snapshot certainly takes less than."""


class Killed(BaseException):
    """The process is dead: nothing it does has an effect any more."""


class Disk:
    """Counts what is done to files, and lets it fail.

    Attributes:
        at: The number of the operation that fails, from 1; 0 for none.
        done: Operations so far.
    """

    def __init__(self) -> None:
        self.at = self.done = 0
        self.fault: Callable[[], BaseException] = Killed
        self.lasting = False

    def operation(self) -> None:
        """Count one, or let it fail."""
        self.done += 1
        if self.at and (self.done == self.at or (self.lasting and self.done > self.at)):
            raise self.fault()

    @contextmanager
    def failing(self, at: int, fault: Callable[[], BaseException], lasting: bool) -> Iterator[None]:
        """Let operation `at` fail, and all after it if that lasts."""
        self.at, self.done, self.fault, self.lasting = at, 0, fault, lasting
        try:
            yield
        finally:
            self.at = 0


class FaultyFile:
    """A file that is written to."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self._file = file
        self._disk = disk

    def write(self, data: Any) -> int:
        """Write, if the disk does."""
        self._disk.operation()
        return self._file.write(data)

    def __enter__(self) -> "FaultyFile":
        return self

    def __exit__(self, *fault: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The disk below everything that Python itself does (the HDF5 library has its own calls)."""
    disk = Disk()
    opened = builtins.open

    def open_(path: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
        if not set(mode) & set("wax+"):
            return opened(path, mode, *more, **options)
        disk.operation()
        return FaultyFile(opened(path, mode, *more, **options), disk)

    def counted(function: Callable[..., Any], only_killed: bool = False) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if not only_killed or disk.fault is Killed:
                disk.operation()
            return function(*arguments, **options)

        return call

    for module in (builtins, io):
        monkeypatch.setattr(module, "open", open_)
    for name in ("fsync", "replace", "link"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    # Removing a file fails for the dead only: it takes no space.
    monkeypatch.setattr(os, "unlink", counted(os.unlink, only_killed=True))
    return disk


def solver(folder: Path, format: str) -> netdef.Solver:
    """A solver that has written a snapshot after two iterations and is at the third."""
    path = folder / "more.prototxt"
    text = (folder / "solver.prototxt").read_text()
    path.write_text(f"{text} snapshot_format: {format} ema_decay: 0.5")
    one = netdef.Solver(path)
    one.step(2)
    one.snapshot()
    save(one, "best")
    one.step(1)
    return one


def contents(folder: Path) -> dict[str, bytes]:
    """All files of the snapshots, hidden ones too."""
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


def put(folder: Path, files: dict[str, bytes]) -> None:
    """Make the folder as it was."""
    for path in (folder / "out").iterdir():
        path.unlink()
    for name, content in files.items():
        (folder / "out" / name).write_bytes(content)


@pytest.mark.parametrize("format", ["BINARYPROTO", "HDF5"])
@pytest.mark.parametrize(
    ("error", "name"),
    [
        ("no space left", "best"),
        ("I/O error", "iter_3"),
        pytest.param("I/O error", "best", marks=pytest.mark.slow),
        pytest.param("no space left", "iter_3", marks=pytest.mark.slow),
    ],
)
def test_every_operation_may_fail(
    folder: Path, disk: Disk, error: str, format: str, name: str
) -> None:
    """The error is clear, what was there is as it was, and nothing is left behind."""
    one = solver(folder, format)
    before = contents(folder)

    def fault() -> OSError:
        return OSError(ERRORS[error], os.strerror(ERRORS[error]))

    for at in range(1, MOST):
        try:
            with disk.failing(at, fault, lasting=False):
                save(one, name)
            if disk.done < at:
                break
            put(folder, before)  # a link that cannot be made is no reason to fail
        except netdef.NetdefError as raised:
            (found,) = raised.diagnostics
            assert found.rule == "cannot-write"
            assert os.strerror(ERRORS[error]) in found.message
            assert contents(folder) == before, at
    assert at > 15
    assert contents(folder).keys() >= before.keys()
    assert contents(folder) != before


@pytest.mark.parametrize("format", ["BINARYPROTO", "HDF5"])
def test_a_disk_that_stays_broken(folder: Path, disk: Disk, format: str) -> None:
    one = solver(folder, format)
    suffix = ".h5" if format == "HDF5" else ""
    before = contents(folder)
    for at in range(1, MOST, 3):
        try:
            with disk.failing(at, lambda: OSError(errno.EIO, "Input/output error"), lasting=True):
                save(one, "best")
            break
        except netdef.NetdefError:
            for old in ("iter_2", "best"):
                check_weights(read_state(folder / f"out/run_{old}.solverstate{suffix}"))
        put(folder, before)
    assert at > 15


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("format", ["BINARYPROTO", "HDF5"])
def test_a_process_that_ends_at_any_operation(
    folder: Path, disk: Disk, format: str, again: bool, step: int
) -> None:
    """While the best snapshot is replaced, the old one or the new one can be used: always."""
    one, other = solver(folder, format), netdef.Solver(folder / "more.prototxt")
    state = one.snapshots.paths("best")[1]
    before = contents(folder)
    seen: set[int] = set()
    for at in range(1, MOST, step):
        killed = _killed(disk, one, at)
        if killed and again:
            _killed(disk, one, at)
        other.restore(state)
        seen.add(other.iteration)
        if not killed:
            break
        save(other, "best")  # and the next time all is well, and cleared up
        check_weights(read_state(state))
        assert not [name for name in contents(folder) if name.startswith(".kept")]
        put(folder, before)
    assert at > 15
    assert seen == {2, 3}


def test_a_file_system_without_links(
    folder: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on FAT: copies are kept instead."""

    def link(*paths: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", *paths)

    one = solver(folder, "BINARYPROTO")
    before = contents(folder)
    monkeypatch.setattr(os, "link", link)
    for at in range(1, MOST, 3):
        if not _killed(disk, one, at):
            break
        check_weights(read_state(folder / "out/run_best.solverstate"))
        put(folder, before)
        fault = partial(OSError, errno.ENOSPC, "No space left on device")
        with suppress(netdef.NetdefError), disk.failing(at, fault, lasting=False):
            save(one, "best")
        if disk.done >= at:  # otherwise nothing has failed
            assert contents(folder) == before
        put(folder, before)
    assert at > 15
    assert contents(folder).keys() == before.keys()


def _killed(disk: Disk, one: netdef.Solver, at: int) -> bool:
    try:
        with disk.failing(at, Killed, lasting=True):
            save(one, "best")
    except Killed:
        return True
    return False


@pytest.mark.parametrize("at", [1, 5, 12])
def test_the_command_ends_with_1(folder: Path, disk: Disk, at: int) -> None:
    one = solver(folder, "BINARYPROTO")
    one.restore(folder / "out/run_iter_2.solverstate")
    before = contents(folder)
    arguments = ["train", "more.prototxt", "--resume", "out/run_iter_2.solverstate"]
    with disk.failing(at, lambda: OSError(errno.ENOSPC, "No space left on device"), True):
        result = CliRunner().invoke(main, [*arguments, "--iterations", "3"])
    assert result.exit_code == 1
    assert "error[cannot-write]" in result.output
    assert "No space left on device" in result.output
    assert "Traceback" not in result.output
    assert contents(folder) == before


@pytest.mark.parametrize("format", ["BINARYPROTO", "HDF5"])
def test_files_that_may_not_grow(folder: Path, forks: Any, format: str) -> None:
    """The system's own refusal, also below the HDF5 library: files end at a limit."""
    text = (folder / "net.prototxt").read_text().replace("num_output: 12", "num_output: 1200")
    (folder / "net.prototxt").write_text(text)
    one = solver(folder, format)
    weights, state = one.snapshots.paths("iter_2")
    before = contents(folder)
    sizes = [weights.stat().st_size, state.stat().st_size]
    limits = {4096, *(size * part // 8 for size in sizes for part in (3, 7)), max(sizes) - 1}
    arguments = ["train", "more.prototxt", "--resume", str(state), "--iterations", "3"]
    for limit in sorted(limits):
        command = forks.start(folder, *arguments, limit=limit)
        assert command.wait() == 1, command.output
        assert "error[cannot-write]" in command.output
        assert "Traceback" not in command.output
        assert contents(folder) == before, limit
    assert forks.start(folder, *arguments).wait() == 0


def test_what_killed_processes_left_is_removed_in_the_end(folder: Path) -> None:
    one = solver(folder, "BINARYPROTO")
    old = folder / "out/.0123abcd.run_iter_1.caffemodel"
    new = folder / "out/.0123abce.run_best.ema.caffemodel.h5"
    others = folder / "out/.0123abcd.ran_iter_1.caffemodel"
    for path in (old, new, others):
        path.touch()
    for path in (old, others):
        os.utime(path, (0, 0))
    one.snapshot()
    assert not old.exists()
    assert new.exists()
    assert others.exists()
