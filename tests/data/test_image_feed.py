"""ImageData: listed image files, their order, and what is wrong with them."""

from itertools import islice

import numpy as np
import pytest
from PIL import Image

from netdef.data.bad_records import BadRecords
from netdef.data.loader import batches
from netdef.data.randomness import permutation
from netdef.data.resizing import resized
from netdef.data.share import Share
from netdef.source import NetdefError

NET = """layer {{ name: "d" type: "ImageData" top: "d" top: "l"
  image_data_param {{ source: "list.txt" batch_size: {size} {fields} }}
  transform_param {{ {transform} }} }}"""


def net_of(load, fields="", transform="", size=2, phase="TRAIN"):
    return load(NET.format(fields=fields, transform=transform, size=size), phase)


def take(net, count, **options):
    iterator = batches(net, **options)
    taken = [{k: v.numpy().copy() for k, v in b.items()} for b in islice(iterator, count)]
    iterator.close()
    return taken


def labels(taken):
    return [int(label) for batch in taken for label in batch["l"]]


@pytest.fixture
def photos(tmp_path):
    """Five images of 6 x 5 below `photos`, listed with labels 10 to 14; (N, H, W, RGB)."""
    pixels = np.random.RandomState(0).randint(0, 256, (5, 6, 5, 3)).astype(np.uint8)
    (tmp_path / "photos").mkdir()
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / f"photos/no {i}.png")
    lines = "".join(f"no {i}.png {10 + i}\n" for i in range(5))
    (tmp_path / "list.txt").write_text("\n" + lines)
    return pixels


ROOT = 'root_folder: "photos/"'


def test_files_in_the_order_of_the_list_over_and_over(photos, load):
    taken = take(net_of(load, ROOT), 5)
    order = np.arange(10) % 5
    expected = photos[order][..., ::-1].transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(np.concatenate([b["d"] for b in taken]), expected)
    assert labels(taken) == (10 + order).tolist()


def test_root_folder_is_put_before_every_path_as_it_is(photos, load, tmp_path):
    (tmp_path / "list.txt").write_text("3.png 7\n")
    (batch,) = take(net_of(load, 'root_folder: "photos/no "', size=1), 1)
    np.testing.assert_array_equal(batch["d"][0], photos[3][..., ::-1].transpose(2, 0, 1))


def test_root_folder_may_be_a_folder_without_a_slash(photos, load, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = net_of(load, 'root_folder: "photos"')
    assert net.blobs["d"].shape == (2, 3, 6, 5)
    assert labels(take(net, 1)) == [10, 11]


def test_images_are_resized_first(photos, load):
    fields = f"{ROOT} new_height: 9 new_width: 4"
    (batch,) = take(net_of(load, fields, "crop_size: 4 mean_value: 7", size=5, phase="TEST"), 1)
    for image, found in zip(photos, batch["d"], strict=True):
        large = resized(image[..., ::-1].transpose(2, 0, 1), 9, 4)
        np.testing.assert_array_equal(found, large[:, 2:6].astype(np.float32) - 7)


def test_images_without_colour(photos, load):
    (batch,) = take(net_of(load, f"{ROOT} is_color: false", size=5), 1)
    expected = [np.asarray(Image.fromarray(image).convert("L"))[None] for image in photos]
    np.testing.assert_array_equal(batch["d"], expected)


def test_every_pass_has_an_order_of_its_own(photos, load):
    net = net_of(load, f"{ROOT} shuffle: true", size=3)
    found = labels(take(net, 10, seed=6))
    passes = [found[i : i + 5] for i in range(0, 30, 5)]
    for epoch, order in enumerate(passes):
        assert order == (10 + permutation(6, "d/shuffle", 5, epoch)).tolist()
    assert len({tuple(order) for order in passes}) > 3
    assert labels(take(net, 10, seed=7)) != found


def test_images_keep_their_labels_when_shuffled(photos, load):
    for batch in take(net_of(load, f"{ROOT} shuffle: true", size=4), 4):
        for image, label in zip(batch["d"], batch["l"], strict=True):
            expected = photos[int(label) - 10][..., ::-1].transpose(2, 0, 1)
            np.testing.assert_array_equal(image, expected)


def test_rand_skip_starts_later(photos, load):
    starts = set()
    for seed in range(40):
        found = labels(take(net_of(load, f"{ROOT} rand_skip: 3"), 4, seed=seed))
        assert found == [10 + (found[0] - 10 + i) % 5 for i in range(8)]
        starts.add(found[0])
    assert starts == {10, 11, 12}


def test_resuming_and_sharing_give_the_same(photos, load):
    net = net_of(load, f"{ROOT} shuffle: true rand_skip: 4", "crop_size: 3 mirror: true")
    whole = take(net, 12, seed=5)
    for done in (1, 2, 5, 9):
        (again,) = take(net, 1, seed=5, start=2 * done)
        np.testing.assert_array_equal(again["d"], whole[done]["d"])
        np.testing.assert_array_equal(again["l"], whole[done]["l"])
    two = [take(net, 6, seed=5, share=Share(rank, 2)) for rank in range(2)]
    records = np.concatenate([b["d"] for b in whole])
    for step, both in enumerate(zip(*two, strict=True)):
        for rank, batch in enumerate(both):
            np.testing.assert_array_equal(batch["d"], records[4 * step + rank :: 2][:2])


def test_images_alone(photos, load):
    text = NET.format(fields=ROOT, transform="", size=2).replace('top: "l"', "")
    (batch,) = take(load(text), 1)
    assert list(batch) == ["d"]


def test_an_image_that_is_not_there_is_named(photos, load, tmp_path):
    (tmp_path / "photos/no 3.png").unlink()
    iterator = batches(net_of(load, ROOT))
    next(iterator)
    with pytest.raises(NetdefError, match=r"`no 3\.png`, listed in .*list\.txt, is not there"):
        next(iterator)


def test_a_broken_image_is_named(photos, load, tmp_path):
    (tmp_path / "photos/no 0.png").write_bytes(b"GIF87")
    (tmp_path / "list.txt").write_text("no 1.png 1\nno 0.png 0\n")
    with pytest.raises(NetdefError, match=r"`no 0\.png`, listed in .* holds no image") as raised:
        next(batches(net_of(load, ROOT)))
    assert raised.value.diagnostics[0].span.text == '"list.txt"'


def test_the_next_good_image_stands_in(photos, load, tmp_path):
    net = net_of(load, ROOT, size=5)
    for name in ("no 2.png", "no 3.png", "no 4.png"):
        (tmp_path / "photos" / name).write_bytes(b"")
    told = []
    (batch,) = take(net, 1, bad=BadRecords("skip", told.append))
    assert labels([batch]) == [10, 11, 10, 10, 10]
    assert len(told) == 3
    (tmp_path / "photos/no 0.png").write_bytes(b"")
    (tmp_path / "photos/no 1.png").write_bytes(b"")
    with pytest.raises(NetdefError, match=r"none of the 5 images of .* can be read"):
        take(net, 1, bad=BadRecords("skip", told.append))


def test_the_faults_of_a_list_are_all_shown_in_it(photos, load, tmp_path):
    net = net_of(load, ROOT)
    (tmp_path / "list.txt").write_text("no 0.png 10\nno 1.png\nno 2.png x\n")
    with pytest.raises(NetdefError) as raised:
        batches(net)
    found = [(d.rule, d.span.line) for d in raised.value.diagnostics]
    assert found == [("bad-list", 2), ("bad-list", 3)]


def test_a_list_that_is_not_there(load):
    net = net_of(load, "", "crop_size: 3")
    with pytest.raises(NetdefError, match=r"the list of images `list\.txt` is not there"):
        batches(net)
