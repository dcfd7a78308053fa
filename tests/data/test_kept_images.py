"""What of a source stays in memory."""

import numpy as np

from netdef.data.kept_images import KeptImages
from netdef.data.loader import batches

LABELS = np.arange(3, dtype=np.float32)


def images_of(*values, size=(2, 3)):
    return [np.full((1, *size), value, np.uint8) for value in values]


def test_what_was_kept_is_found_by_number_beyond_the_end_too():
    kept = KeptImages(5)
    assert kept.find(np.array([0])) is None
    kept.keep(np.array([3, 4, 5]), images_of(3, 4, 0), LABELS)
    images, labels = kept.find(np.array([4, 0, 8]))
    assert images[:, 0, 0, 0].tolist() == [4, 0, 3]
    assert images.dtype == np.uint8
    assert labels.tolist() == [1, 2, 0]
    assert kept.find(np.array([4, 1])) is None


def test_what_is_too_large_is_not_kept():
    kept = KeptImages(10, limit=59)  # an image has six bytes
    kept.keep(np.arange(3), images_of(1, 2, 3), LABELS)
    assert kept.find(np.arange(3)) is None
    kept = KeptImages(10, limit=60)
    kept.keep(np.arange(3), images_of(1, 2, 3), LABELS)
    assert kept.find(np.arange(3)) is not None


def test_several_shapes_or_types_are_not_kept():
    for other in (images_of(9, size=(3, 2)), [np.zeros((1, 2, 3), np.float32)]):
        kept = KeptImages(10)
        kept.keep(np.arange(3), images_of(1, 2, 3), LABELS)
        kept.keep(np.array([5]), other, LABELS[:1])
        assert kept.find(np.arange(3)) is None
        kept.keep(np.arange(3), images_of(1, 2, 3), LABELS)
        assert kept.find(np.arange(3)) is None


DATA = """layer { name: "d" type: "Data" top: "d" top: "l"
  data_param { source: "images_lmdb" batch_size: 3 rand_skip: 4 }
  transform_param { crop_size: 5 mirror: true mean_value: 9 } }"""


def test_batches_are_the_same_with_and_without(images, lmdb_of, load, monkeypatch):
    lmdb_of(images)
    net = load(DATA, "TRAIN")
    kept, read = batches(net, seed=4), batches(net, seed=4)
    monkeypatch.setattr("netdef.data.data_feed.LIMIT", 0)
    unkept = batches(net, seed=4)
    reads = []
    source = kept._feeds[0][1]._source
    plain = source.read
    monkeypatch.setattr(source, "read", lambda *at: reads.append(at) or plain(*at))
    for _ in range(12):
        one, two, three = next(kept), next(read), next(unkept)
        for name in one:
            assert (one[name] == two[name]).all()
            assert (one[name] == three[name]).all()
    assert len(reads) < 5  # seven records, three at a time
