"""Databases whose pages are damaged: an error, whatever lmdb itself would do.

`make test` changes bytes in 150 copies of each of two databases, `make test-full` in 5,000 of each.
"""

import os
import random
import signal
from collections.abc import Iterable
from pathlib import Path

import lmdb
import pytest

from netdef.data.faults import DataFault
from netdef.data.lmdb_source import LmdbSource

PAGE = 4096


@pytest.fixture(params=[(400, 300), (200, 2100)], ids=["small", "big"])
def database(request: pytest.FixtureRequest, lmdb_of) -> Path:
    """Records inside their pages, or on pages of their own."""
    count, size = request.param
    return lmdb_of([bytes([i % 251]) * size for i in range(count)])


def tree_pages(raw: bytes) -> list[int]:
    """The numbers of pages with a head that says branch or leaf, and of the two first."""
    found = [
        page
        for page in range(2, len(raw) // PAGE)
        if int.from_bytes(raw[page * PAGE :][:8], "little") == page and raw[page * PAGE + 10] & 3
    ]
    return [0, 1, *found]


def damaged(raw: bytes, pages: list[int], rng: random.Random) -> bytes:
    """A copy with 1 to 8 bytes changed where a page says what it holds, or in its nodes."""
    out = bytearray(raw)
    start = rng.choice(pages) * PAGE
    head = rng.choice([40, 160, PAGE - 8])
    at = start + rng.randrange(head)
    for byte in range(at, at + rng.choice([1, 1, 8])):
        out[byte] = rng.randrange(256)
    return bytes(out)


def refused(file: Path, copies: Iterable[bytes]) -> int:
    """Return how many copies are refused; all are read in a child, as lmdb may end a process."""
    child = os.fork()
    if not child:
        signal.alarm(120)
        count = 0
        try:
            for raw in copies:
                file.write_bytes(raw)
                try:
                    LmdbSource(file).read(0, 450)
                except DataFault:
                    count += 1
            os._exit(count)
        finally:  # any other exception
            os._exit(255)
    _, status = os.waitpid(child, 0)
    assert not os.WIFSIGNALED(status), f"signal {os.WTERMSIG(status)} ended the process"
    assert os.WEXITSTATUS(status) < 255, "an exception that is no DataFault"
    return os.WEXITSTATUS(status)


@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_no_damage_ends_the_process(database: Path, tmp_path: Path, rounds: int) -> None:
    raw, rng = (database / "data.mdb").read_bytes(), random.Random(rounds)
    pages = tree_pages(raw)
    for _ in range(rounds):
        copies = [damaged(raw, pages, rng) for _ in range(50)]
        assert 10 < refused(tmp_path / "damaged.mdb", copies) <= 50


def patched(database: Path, page: int, offset: int, value: bytes) -> LmdbSource:
    file = database / "data.mdb"
    raw = bytearray(file.read_bytes())
    raw[page * PAGE + offset : page * PAGE + offset + len(value)] = value
    file.write_bytes(raw)
    return LmdbSource(database)


def test_the_page_is_named_and_asking_again_does_not_help(lmdb_of) -> None:
    database = lmdb_of([b"x" * 300] * 40)
    raw = (database / "data.mdb").read_bytes()
    leaf = max(tree_pages(raw))
    source = patched(database, leaf, 10, b"\xff\xff")
    for _ in range(2):
        with pytest.raises(DataFault, match=rf"images_lmdb/data\.mdb is damaged: page {leaf} "):
            source.read(0, 40)


def test_the_records_before_the_damage_can_be_read(lmdb_of) -> None:
    database = lmdb_of([b"%d" % i * 100 for i in range(100)])
    pages = tree_pages((database / "data.mdb").read_bytes())
    source = patched(database, pages[-2], 12, b"\xff\xff")
    assert source.read(0, 3)[2][0] == b"00000002"


def test_several_values_per_key(tmp_path: Path) -> None:
    with lmdb.open(str(tmp_path / "x"), lock=False) as env, env.begin(write=True) as transaction:
        transaction.put(b"a", b"b")
    file = tmp_path / "x/data.mdb"
    raw = bytearray(file.read_bytes())
    for page in (0, 1):
        raw[page * PAGE + 16 + 24 + 48 + 4] |= 4  # the tree's flags
    file.write_bytes(raw)
    with pytest.raises(DataFault, match="several values per key"):
        LmdbSource(tmp_path / "x")


def test_a_large_tree(lmdb_of) -> None:
    source = LmdbSource(lmdb_of([b"value %d" % i for i in range(20_000)]))
    assert [key for key, _ in source.read(19_990, 20)] == [
        b"%08d" % (i % 20_000) for i in range(19_990, 20_010)
    ]
