"""Where files that other files name are looked for."""

from pathlib import Path

import pytest

from netdef.source.locate import locate, looked_in, shown


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """tmp_path/work is the working folder; the net is tmp_path/repo/models/lenet/net.prototxt."""
    (tmp_path / "work").mkdir()
    (tmp_path / "repo/models/lenet").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


PLACES = [
    "work/data/x_lmdb",
    "repo/models/lenet/data/x_lmdb",
    "repo/models/data/x_lmdb",
    "repo/data/x_lmdb",
    "data/x_lmdb",
    "repo/models/lenet/x_lmdb",
]


@pytest.mark.parametrize("number", range(len(PLACES)))
def test_order_of_places(tree, number):
    for place in PLACES[number:]:
        (tree / place).mkdir(parents=True)
    net = tree / "repo/models/lenet/net.prototxt"
    assert locate("data/x_lmdb", net) == tree / PLACES[number]


def test_nothing_there(tree):
    assert locate("data/x_lmdb", tree / "repo/net.prototxt") is None
    assert locate("", tree / "repo/net.prototxt") is None
    assert locate("a\0b", tree / "repo/net.prototxt") is None


def test_an_absolute_path_of_another_machine(tree):
    assert locate("/home/them/x.txt", tree / "repo/net.prototxt") is None
    (tree / "repo/x.txt").touch()
    assert locate("/home/them/x.txt", tree / "repo/net.prototxt") == tree / "repo/x.txt"
    (tree / "repo/models/x.txt").touch()
    other = str(tree / "repo/models/x.txt")
    assert locate(other, tree / "repo/net.prototxt") == Path(other)


def test_without_a_referring_file(tree):
    (tree / "work/x.txt").touch()
    assert locate("x.txt", None) == tree / "work/x.txt"
    assert locate("x.txt", "net.prototxt") == tree / "work/x.txt"


def test_places_in_words(tree):
    working = f"looked in the working folder {tree / 'work'}"
    assert looked_in("x", None) == f"{working} and in each folder above it"
    net = tree / "repo/net.prototxt"
    assert looked_in("x/", net) == f"{working}, in {tree / 'repo'} and in each folder above it"
    beside = ", then for `x` beside the file that names it"
    assert looked_in("a/x", None) == f"{working} and in each folder above it{beside}"
    assert looked_in("/a/x", net) == f"looked for exactly this path{beside}"


def test_paths_are_shown_short_where_they_can_be(tree):
    assert shown(tree / "work/a/b") == "a/b"
    assert shown(tree / "repo") == str(tree / "repo")
