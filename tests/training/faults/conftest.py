"""Commands that can be killed, and the run that was not disturbed."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select

import pytest

import netdef

FORK_SERVER = Path(__file__).with_name("fork_server.py")
LONGEST = 200
"""Iterations of the run that others are held against."""


class Command:
    """A `netdef` command that runs in a process of its own."""

    def __init__(self, server: subprocess.Popen[bytes], folder: Path) -> None:
        assert server.stdout is not None
        self._server = server
        self._answers = server.stdout
        self._output = folder / "output"
        self._pid = int(self._answers.readline())

    def send(self, signal: int) -> None:
        """Send it a signal; one that has ended does not mind."""
        os.kill(self._pid, signal)

    def runs(self) -> bool:
        """Return whether it has not ended yet."""
        return not select([self._answers], [], [], 0)[0]

    def wait(self) -> int:
        """Return its exit code, or the negative number of the signal that ended it."""
        assert self._answers.readline() == b"ended\n"
        ask(self._server, "")
        return int(self._answers.readline())

    @property
    def output(self) -> str:
        """What it has printed so far, errors too."""
        return self._output.read_text() if self._output.exists() else ""


class Forks:
    """Starts commands, one after the other."""

    def __init__(self, server: subprocess.Popen[bytes]) -> None:
        self._server = server

    def start(self, folder: Path, *arguments: str, limit: int | None = None) -> Command:
        """Start a command in a folder; no file that it writes can get longer than `limit` bytes."""
        (folder / "output").unlink(missing_ok=True)
        request = {"arguments": arguments, "folder": str(folder), "limit": limit}
        ask(self._server, json.dumps(request))
        return Command(self._server, folder)


def ask(server: subprocess.Popen[bytes], line: str) -> None:
    """Send a line."""
    assert server.stdin is not None
    server.stdin.write(f"{line}\n".encode())


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """What starts commands without importing torch again for each."""
    with subprocess.Popen(
        [sys.executable, str(FORK_SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,  # what was read but not asked for would be hidden from `select`
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as server:
        yield Forks(server)
        assert server.stdin is not None
        server.stdin.close()


def _digest(solver: netdef.Solver) -> str:
    values = [t for ts in solver.model.params.values() for t in ts]
    values += [t for ts in solver.rule.histories().values() for t in ts]
    out = hashlib.sha256(str(solver.iteration).encode())
    for value in values:
        out.update(value.detach().numpy().tobytes())
    return out.hexdigest()


@pytest.fixture
def digest() -> Callable[[netdef.Solver], str]:
    """What returns a digest of the iteration and all values that a run depends on."""
    return _digest


@pytest.fixture
def undisturbed(folder: Path) -> list[str]:
    """The digests after 0, 1, 2, ... iterations of a run that is neither stopped nor saved."""
    solver = netdef.Solver(folder / "solver.prototxt")
    found = [_digest(solver)]
    for _ in range(LONGEST):
        solver.step(1)
        found.append(_digest(solver))
    return found
