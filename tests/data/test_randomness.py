"""Random numbers are functions of what they are for."""

import numpy as np

from netdef.data.randomness import below, draw, heads, permutation

FIRST = [11851634989075260995, 10986109591340337542, 16236901091947267515, 5962948957651551271]
LATER = [11838557292748998530, 11544306561854581553, 7181177332070878986, 9284546928245315182]
ORDER = [4, 5, 3, 2, 0, 6, 1, 7]


def test_a_stretch_is_part_of_the_whole():
    whole = draw(5, "x", 0, 100)
    np.testing.assert_array_equal(draw(5, "x", 30, 20), whole[30:50])
    assert draw(5, "x", 7, 0).shape == (0, 4)


def test_these_numbers_never_change():
    """A snapshot made today resumes with every later version, so the words are fixed."""
    assert draw(1, "d/transform", 0, 1).tolist() == [FIRST]
    assert draw(1, "d/transform", 2**40, 1, epoch=3).tolist() == [LATER]
    assert permutation(1, "d", 8, 2).tolist() == ORDER


def test_seed_stream_and_epoch_all_count():
    some = [draw(1, "a", 0, 4), draw(2, "a", 0, 4), draw(1, "b", 0, 4), draw(1, "a", 0, 4, 1)]
    assert len({words.tobytes() for words in some}) == 4


def test_whole_numbers_are_uniform():
    values = below(draw(0, "x", 0, 30_000)[:, 1], 3)
    assert np.bincount(values).min() > 9_700
    assert np.unique(below(draw(0, "x", 0, 100)[:, 1], 1)).tolist() == [0]
    limits = np.array([1, 5, 2**31 - 1])
    assert (below(np.full(3, 2**64 - 1, np.uint64), limits) == limits - 1).all()


def test_heads_are_half():
    assert abs(heads(draw(0, "x", 0, 30_000)[:, 0]).mean() - 0.5) < 0.01


def test_a_permutation_holds_everything_once():
    assert sorted(permutation(3, "x", 1000, 0)) == list(range(1000))
    assert permutation(3, "x", 1000, 0).tolist() != permutation(3, "x", 1000, 1).tolist()
