"""The digits of scikit-learn as databases."""

import os
import sys

import numpy as np
import pytest

from netdef.data.datum import parse, stack
from netdef.data.digits import split, write_digits
from netdef.data.lmdb_source import LmdbSource
from netdef.source import NetdefError


def read(path):
    source = LmdbSource(path)
    records = source.read(0, source.size)
    datums = [parse(value) for _, value in records]
    assert [key for key, _ in records] == [b"%08d" % i for i in range(len(records))]
    return stack(datums), np.array([datum.label for datum in datums])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    return folder, write_digits(folder)


def test_the_databases(written):
    folder, counts = written
    assert counts == {folder / "digits_train_lmdb": 1438, folder / "digits_test_lmdb": 359}
    assert sorted(os.listdir(folder)) == ["digits_test_lmdb", "digits_train_lmdb"]


@pytest.mark.parametrize(("name", "part"), [("digits_train_lmdb", 0), ("digits_test_lmdb", 1)])
def test_the_images_are_the_digits_enlarged(written, name, part):
    from sklearn.datasets import load_digits

    digits = load_digits()
    chosen = split(digits.target)[part]
    images, labels = read(written[0] / name)
    assert (images.shape, images.dtype) == ((len(chosen), 1, 28, 28), np.uint8)
    assert (images.min(), images.max()) == (0, 255)
    np.testing.assert_array_equal(labels, digits.target[chosen])
    # Seen as 4 x 4 blocks, each is much nearer to its own digit than to the next one.
    seen = images[:, 0].reshape(-1, 4, 7, 4, 7).mean((2, 4))
    small = digits.images[chosen].reshape(-1, 4, 2, 4, 2).mean((2, 4)) * 255 / 16
    distance = abs(seen - small).mean((1, 2))
    assert distance.max() < 15
    assert (distance < abs(seen - np.roll(small, 1, 0)).mean((1, 2))).mean() > 0.99


def test_the_split_is_stratified_disjoint_and_mixed():
    labels = np.arange(1797) % 10
    train, test = split(labels)
    assert sorted(train + test) == list(range(1797))
    assert set(np.bincount(labels[test])) == {36}
    for chosen in (train, test):
        # The first hundred hold every class about as often as the rest does.
        assert np.bincount(labels[chosen[:100]], minlength=10).min() >= 3
        assert chosen != sorted(chosen)
    assert (train, test) == split(labels)


def test_writing_again_gives_the_same_bytes(written, tmp_path):
    write_digits(tmp_path)
    for name in ("digits_train_lmdb", "digits_test_lmdb"):
        again = (tmp_path / name / "data.mdb").read_bytes()
        assert again == (written[0] / name / "data.mdb").read_bytes()


def test_nothing_is_replaced_unasked(tmp_path):
    write_digits(tmp_path)
    with pytest.raises(NetdefError, match="digits_train_lmdb is there already"):
        write_digits(tmp_path)
    assert sum(write_digits(tmp_path, force=True).values()) == 1797


def test_without_scikit_learn(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(NetdefError, match="scikit-learn, which is not installed") as raised:
        write_digits(tmp_path / "new")
    assert raised.value.diagnostics[0].note == "pip install netdef[demo]"
    assert os.listdir(tmp_path) == []
