"""Input and MemoryData: what the program gives."""

from itertools import islice

import numpy as np
import pytest
import torch

import netdef
from netdef.data.loader import batches
from netdef.data.program_feed import ProgramFeed, kept
from netdef.data.share import Share
from netdef.source import NetdefError

MEMORY = """layer { name: "m" type: "MemoryData" top: "x" top: "y"
  memory_data_param { batch_size: 3 channels: 2 height: 4 width: 5 }
  transform_param { %s } }
"""
INPUT = """layer { name: "i" type: "Input" top: "x" top: "y"
  input_param { shape { dim: 3 dim: 2 } shape { dim: 3 } } }
"""
DATA = """layer { name: "d" type: "Data" top: "d"
  data_param { source: "images_lmdb" batch_size: 2 } }
"""
IMAGES = np.random.RandomState(0).randint(0, 256, (7, 2, 4, 5)).astype(np.uint8)
LABELS = np.arange(7)


def numbered(number):
    return {"x": np.full((3, 2), number), "y": torch.full((3,), number)}


def ys(iterator, count):
    return [int(batch["y"].flatten()[0]) for batch in islice(iterator, count)]


@pytest.mark.parametrize("kind", [np.uint8, np.float64, torch.tensor])
def test_memory_data_goes_round_through_arrays(load, kind):
    images = torch.tensor(IMAGES) if kind is torch.tensor else IMAGES.astype(kind)
    feed = {"x": images, "y": LABELS}
    taken = list(islice(netdef.batches(load(MEMORY % ""), feed=feed), 5))
    order = np.arange(15) % 7
    np.testing.assert_array_equal(np.concatenate([b["x"] for b in taken]), IMAGES[order])
    np.testing.assert_array_equal(np.concatenate([b["y"] for b in taken]), order)
    assert {v.dtype for b in taken for v in b.values()} == {torch.float32}


def test_labels_may_have_the_axes_that_caffe_gave_them(load):
    feed = {"x": IMAGES, "y": LABELS.reshape(7, 1, 1, 1)}
    assert next(netdef.batches(load(MEMORY % ""), feed=feed))["y"].tolist() == [0, 1, 2]


def test_memory_data_transforms_arrays(load):
    net = load(MEMORY % "crop_h: 4 crop_w: 5 mirror: true mean_value: 10 scale: 0.5", "TRAIN")
    large = np.random.RandomState(1).randint(0, 256, (7, 2, 6, 6)).astype(np.uint8)
    first = next(netdef.batches(net, seed=1, feed={"x": large, "y": LABELS}))
    assert first["x"].shape == (3, 2, 4, 5)
    windows = np.lib.stride_tricks.sliding_window_view(large, (4, 5), axis=(2, 3))
    for image, source in zip(first["x"].numpy(), windows, strict=False):
        cuts = source.transpose(1, 2, 0, 3, 4).reshape(-1, 2, 4, 5)
        choices = [(c.astype(np.float32) - 10) * 0.5 for c in cuts]
        assert any((image == c).all() or (image == c[:, :, ::-1]).all() for c in choices)
    again = next(netdef.batches(net, seed=1, feed={"x": large, "y": LABELS}))
    np.testing.assert_array_equal(first["x"], again["x"])


def test_arrays_are_resumed_and_shared_as_records_are(load):
    net, arrays = load(MEMORY % "mirror: true", "TRAIN"), {"x": IMAGES, "y": LABELS}
    whole = [b["x"].numpy() for b in islice(batches(net, given=arrays), 8)]
    later = next(batches(net, start=15, given=arrays))["x"]
    np.testing.assert_array_equal(later, whole[5])
    records = np.concatenate(whole)
    for rank in range(2):
        shared = list(islice(batches(net, share=Share(rank, 2), given=arrays), 4))
        found = np.concatenate([b["x"] for b in shared])
        np.testing.assert_array_equal(found, records[rank::2])


def test_an_input_goes_round_through_arrays(load):
    feed = {"x": np.arange(10).reshape(5, 2), "y": np.arange(5)}
    taken = list(islice(netdef.batches(load(INPUT), feed=feed), 3))
    assert [b["y"].tolist() for b in taken] == [[0, 1, 2], [3, 4, 0], [1, 2, 3]]
    assert taken[1]["x"].tolist() == [[6, 7], [8, 9], [0, 1]]


def test_a_function_is_asked_by_number_when_the_batch_is_needed(load):
    asked = []

    def feed(number):
        asked.append(number)
        return numbered(number)

    iterator = netdef.batches(load(INPUT), feed=feed)
    assert ys(iterator, 1) == [0]
    assert asked == [0]
    assert ys(iterator, 2) == [1, 2]
    assert ys(batches(load(INPUT), start=15, given=kept(feed)), 2) == [5, 6]


def test_processes_get_numbers_of_their_own(load):
    net = load(INPUT)
    one, two = (batches(net, share=Share(r, 2), given=kept(numbered)) for r in range(2))
    assert (ys(one, 3), ys(two, 3)) == ([0, 2, 4], [1, 3, 5])
    tested = batches(net, share=Share(1, 2, whole=True), given=kept(numbered))
    assert ys(tested, 3) == [1, 3, 5]


def test_a_list_is_gone_through_again_and_again(load):
    feed = [numbered(i) for i in range(3)]
    assert ys(netdef.batches(load(INPUT), feed=feed), 7) == [0, 1, 2, 0, 1, 2, 0]
    assert ys(batches(load(INPUT), start=12, given=kept(feed)), 2) == [1, 2]


class Again:
    """An iterable that can be started anew, as a DataLoader can."""

    def __iter__(self):
        return (numbered(i) for i in range(3))


def test_an_iterable_is_started_anew(load):
    assert ys(netdef.batches(load(INPUT), feed=Again()), 7) == [0, 1, 2, 0, 1, 2, 0]
    assert ys(batches(load(INPUT), start=12, given=kept(Again())), 2) == [1, 2]


def test_an_iterator_is_read_on_when_the_data_is_reopened(load):
    feed = ProgramFeed(iter([numbered(i) for i in range(6)]))
    assert ys(batches(load(INPUT), given=feed), 2) == [0, 1]
    assert ys(batches(load(INPUT), start=9, given=feed), 2) == [3, 4]
    with pytest.raises(NetdefError, match="cannot go back to earlier batches"):
        next(batches(load(INPUT), start=3, given=feed))
    with pytest.raises(NetdefError, match="the feed ended after 6 batches"):
        ys(batches(load(INPUT), start=15, given=feed), 2)


@pytest.mark.parametrize("feed", [[], (), iter(())], ids=["list", "tuple", "iterator"])
def test_nothing_in_it(load, feed):
    with pytest.raises(NetdefError, match="the feed ended after 0 batches"):
        next(netdef.batches(load(INPUT), feed=feed))


def test_layers_with_sources_go_on_beside_it(images, lmdb_of, load):
    lmdb_of(images)
    net = load(DATA + INPUT)
    iterator = netdef.batches(net, feed=numbered)
    for number in range(5):
        batch = next(iterator)
        assert list(batch) == ["d", "x", "y"]
        assert batch["y"].tolist() == [number] * 3
        np.testing.assert_array_equal(batch["d"][0], images[2 * number % 7])


@pytest.mark.parametrize(
    ("feed", "rule", "message"),
    [
        (lambda i: {"x": 1}, "missing-input", "the feed gives no `y`"),
        (lambda i: {"X": 1}, "missing-input", "no `x` and no `y`"),
        (lambda i: numbered(i) | {"z": 1}, "unknown-blob", "gives `z`, which is no top"),
        (lambda i: [1], "bad-value", "gave a list; a batch is a dict"),
        ({"x": IMAGES}, "missing-input", "no array is given for `y`"),
        ({"x": IMAGES, "y": 3}, "bad-value", "`y` is no array of numbers"),
        ({"x": IMAGES, "y": list("abcdefg")}, "bad-value", "`y` is no array of numbers"),
        ({"x": IMAGES, "y": LABELS[:3]}, "shape-mismatch", "these have `x` 7, `y` 3"),
        ({"x": IMAGES[:0], "y": LABELS[:0]}, "shape-mismatch", "at least one"),
        ({"x": IMAGES[0, 0], "y": LABELS[:4]}, "shape-mismatch", "images are (N, C, H, W)"),
    ],
    ids=range(10),
)
def test_what_cannot_be_given(load, feed, rule, message):
    with pytest.raises(NetdefError) as raised:
        next(netdef.batches(load(MEMORY % ""), feed=feed))
    (found,) = raised.value.diagnostics
    assert found.rule == rule
    assert message in found.message


def test_items_that_do_not_fit_an_input(load):
    with pytest.raises(NetdefError, match=r"items of `x` are \(2\), but they are given as \(5\)"):
        netdef.batches(load(INPUT), feed={"x": np.zeros((4, 5)), "y": np.zeros(4)})
    text = INPUT.replace("shape { dim: 3 } }", "shape { dim: 1 } }")
    with pytest.raises(NetdefError, match="which the tops do not share") as raised:
        netdef.batches(load(text), feed={"x": np.zeros((4, 2)), "y": np.zeros(4)})
    assert raised.value.diagnostics[0].span.line == 2


def test_without_a_feed_the_caller_gives_them(images, lmdb_of, load):
    lmdb_of(images)
    assert list(next(netdef.batches(load(DATA + INPUT)))) == ["d"]
    with pytest.raises(NetdefError, match="has no data layer") as raised:
        netdef.batches(load(MEMORY % ""))
    assert "given by the program" in raised.value.diagnostics[0].note
