"""The random changes that Caffe has not: what each does, and that the record alone decides."""

from itertools import islice

import numpy as np
import pytest

from netdef.data.augmentation import Augmentation
from netdef.data.colors import ColorChange
from netdef.data.loader import batches
from netdef.data.randomness import draw, normals, unit
from netdef.data.sampling import Window
from netdef.data.share import Share
from netdef.data.transformer import Transformer
from netdef.schema import pb
from netdef.weights.binaryproto import write_binaryproto

GRAY = np.array([0.114, 0.587, 0.299])
NET = """layer {{ name: "d" type: "Data" top: "d" top: "l"
  data_param {{ source: "images_lmdb" batch_size: {size} }}
  transform_param {{ {transform} augmentation_param {{ {augmentation} }} }} }}"""
EVERYTHING = """min_area: 0.3 max_aspect_ratio: 1.5 rotation: 20 brightness: 0.3 contrast: 0.3
saturation: 0.3 hue: 30 noise: 9 noise_levels: 4 noise_label: true erase: 0.5"""


def net_of(load, augmentation, transform="", size=7, phase="TRAIN"):
    text = NET.format(augmentation=augmentation, transform=transform, size=size)
    return load(text, phase)


def take(net, count, **options):
    iterator = batches(net, **options)
    taken = [{k: v.numpy().copy() for k, v in b.items()} for b in islice(iterator, count)]
    iterator.close()
    return taken


@pytest.fixture
def smooth():
    """An image that bilinear sampling shows exactly: planes, (3, 40, 60) of float32."""
    row, column = np.mgrid[0:40, 0:60].astype(np.float32)
    return np.stack([row, column, 2 * row - column])


def place(image):
    """Rows and columns that a smooth image was seen at."""
    return image[0], image[1]


def test_a_window_of_the_same_size_is_a_crop(images):
    seen = Window(2, 3, 5, 6).of(images[0], 5, 6)
    np.testing.assert_array_equal(seen, images[0][:, 2:7, 3:9])


@pytest.mark.parametrize(("rows", "columns"), [(20, 15), (5, 7), (33, 41)])
def test_a_window_is_resized_between_the_middles_of_pixels(smooth, rows, columns):
    window = Window(4.5, 7.25, 22, 30)
    row, column = place(window.of(smooth, rows, columns))
    expected_row = 4.5 + (np.arange(rows) + 0.5) * 22 / rows - 0.5
    expected_column = 7.25 + (np.arange(columns) + 0.5) * 30 / columns - 0.5
    np.testing.assert_allclose(row, np.tile(expected_row[:, None], (1, columns)), atol=1e-4)
    np.testing.assert_allclose(column, np.tile(expected_column, (rows, 1)), atol=1e-4)


def test_a_quarter_turn(smooth):
    square = smooth[:, :, :40]
    seen = Window(0, 0, 40, 40, 90).of(square, 40, 40)
    np.testing.assert_allclose(seen, np.rot90(square, 1, axes=(1, 2)), atol=1e-3)
    assert Window(0, 0, 40, 40, 90).inside(40, 40, 40, 40).all()


def test_a_turn_is_about_the_centre_and_shows_nothing_outside(smooth):
    window = Window(0, 0, 40, 60, 30)
    seen, inside = window.of(smooth, 40, 60), window.inside(40, 60, 40, 60)
    assert not inside[0, 0] and not inside[-1, -1] and inside[20, 30]
    np.testing.assert_allclose(seen[:2, 19:21, 29:31].mean(axis=(1, 2)), [19.5, 29.5], atol=1e-3)
    assert (seen[:, ~inside] == 0).all()
    row, column = (x[19:21, 29:31] for x in place(seen))
    step = np.array([column[0, 1] - column[0, 0], row[0, 1] - row[0, 0]])
    np.testing.assert_allclose(step, [np.cos(np.pi / 6), np.sin(np.pi / 6)], atol=1e-3)


def test_nothing_is_turned_or_lost_where_the_window_is_straight():
    assert Window(0, 0, 4, 4).inside(4, 4, 8, 8) is None


def test_brightness_and_contrast():
    image = np.random.RandomState(0).uniform(0, 255, (3, 6, 5)).astype(np.float32)
    np.testing.assert_allclose(ColorChange(brightness=1.5)(image), image * 1.5, rtol=1e-6)
    middle = (image.mean(axis=(1, 2)) * GRAY).sum()
    flat = ColorChange(contrast=0.25)(image)
    np.testing.assert_allclose(flat, (image - middle) * 0.25 + middle, rtol=1e-4)
    one = image[:1]
    np.testing.assert_allclose(
        ColorChange(contrast=0.0)(one), np.full_like(one, one.mean()), rtol=1e-5
    )


def test_saturation_and_hue_leave_the_luminance():
    image = np.random.RandomState(0).uniform(0, 255, (3, 6, 5)).astype(np.float32)
    gray = np.tensordot(GRAY, image, 1)
    np.testing.assert_allclose(ColorChange(saturation=0.0)(image), np.stack([gray] * 3), rtol=1e-4)
    for change in (ColorChange(saturation=1.7), ColorChange(hue=50), ColorChange(1, 1, 0.5, -70)):
        np.testing.assert_allclose(np.tensordot(GRAY, change(image), 1), gray, atol=0.1)
    grays = np.stack([gray] * 3).astype(np.float32)
    np.testing.assert_allclose(ColorChange(saturation=3, hue=99)(grays), grays, atol=0.2)
    there = ColorChange(hue=40)(image)
    np.testing.assert_allclose(ColorChange(hue=-40)(there), image, atol=0.1)
    np.testing.assert_allclose(ColorChange(hue=360)(image), image, atol=0.01)


def test_hue_turns_red_to_green_and_blue():
    red = np.array([0, 0, 200], np.float32).reshape(3, 1, 1)
    assert ColorChange(hue=120)(red).ravel().argmax() != ColorChange(hue=-120)(red).ravel().argmax()
    assert {int(ColorChange(hue=h)(red).ravel().argmax()) for h in (-120, 120)} == {0, 1}


def test_normal_numbers():
    found = normals(1, "x", 5, 100_001)
    assert found.shape == (100_001,)
    assert abs(found.mean()) < 0.02 and abs(found.std() - 1) < 0.02
    assert abs((np.abs(found) < 1).mean() - 0.6827) < 0.01
    np.testing.assert_array_equal(found, normals(1, "x", 5, 100_001))
    for other in (normals(2, "x", 5, 9), normals(1, "y", 5, 9), normals(1, "x", 6, 9)):
        assert (other != found[:9]).any()


def test_uniform_numbers():
    found = unit(draw(0, "x", 0, 5000))
    assert 0 <= found.min() < 0.001 < 0.999 < found.max() < 1
    assert unit(np.array([2**64 - 1], np.uint64)) < 1


def test_parts_of_the_area_are_cut_and_resized_to_the_crop(lmdb_of, load):
    """A ramp tells where the cut was: its first and last values, and so its width."""
    ramp = np.zeros((2, 100, 200), np.uint8)
    ramp[0], ramp[1] = np.arange(100)[:, None], np.arange(200)
    lmdb_of([ramp])
    fields = "min_area: 0.1 max_area: 0.5 max_aspect_ratio: 2"
    (batch,) = take(net_of(load, fields, "crop_size: 50", size=400), 1)
    assert batch["d"].shape == (400, 2, 50, 50)
    heights = (batch["d"][:, 0, 40, 0] - batch["d"][:, 0, 10, 0]) * 50 / 30
    widths = (batch["d"][:, 1, 0, 40] - batch["d"][:, 1, 0, 10]) * 50 / 30
    areas, ratios = heights * widths / 20_000, widths / heights
    assert 0.09 < areas.min() < 0.13 and 0.45 < areas.max() < 0.52
    assert 0.48 < ratios.min() < 0.6 and 1.7 < ratios.max() < 2.1
    rows, columns = batch["d"][:, 0, 25, 0], batch["d"][:, 1, 0, 25]
    assert rows.min() < 30 and rows.max() > 70 and columns.min() < 40 and columns.max() > 160


def test_without_a_crop_images_keep_their_size(images, lmdb_of, load):
    lmdb_of(images)
    net = net_of(load, "min_area: 0.5")
    assert take(net, 1)[0]["d"].shape == net.blobs["d"].shape == (7, 3, 8, 10)


def test_rotation_alone_crops_as_ever(images, lmdb_of, load):
    """Turned by nothing, it is the plain transformation, at the same random places."""
    lmdb_of(images)
    transform = "crop_size: 5 mirror: true mean_value: 50 scale: 0.5"
    plain = take(net_of(load, "erase: 0", transform), 3, seed=8)
    turned = take(net_of(load, "rotation: 1e-7", transform), 3, seed=8)
    for one, other in zip(plain, turned, strict=True):
        np.testing.assert_allclose(other["d"], one["d"], atol=0.01)


@pytest.mark.parametrize("kind", ["value", "image"])
def test_what_comes_from_outside_is_the_mean(lmdb_of, load, tmp_path, kind):
    mean = np.full((3, 20, 20), 77, np.float32)
    if kind == "image":  # a plane: turned about its centre, it keeps its value there
        mean += np.arange(20) + np.arange(20)[:, None]
    write_binaryproto(tmp_path / "mean.binaryproto", mean)
    transform = 'mean_file: "mean.binaryproto"' if kind == "image" else "mean_value: 77"
    lmdb_of([np.full((3, 20, 20), 200, np.uint8)])
    (batch,) = take(net_of(load, "rotation: 45", transform, size=40), 1)
    corners = batch["d"][:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert ((corners == 0) | (np.abs(corners) > 0.5)).all()
    assert (corners == 0).mean() > 0.7
    centre = 200 - mean[:, 9:11, 9:11].mean(axis=(1, 2))
    found = batch["d"][:, :, 9:11, 9:11].mean(axis=(0, 2, 3))
    np.testing.assert_allclose(found, centre, rtol=1e-4)


def test_colours_of_bytes_stay_bytes(images, lmdb_of, load):
    lmdb_of(images)
    (batch,) = take(net_of(load, "brightness: 1 contrast: 1 saturation: 1 hue: 90", size=70), 1)
    assert batch["d"].min() == 0 and batch["d"].max() == 255


def test_noise_of_a_level_that_the_label_tells(lmdb_of, load):
    lmdb_of([np.full((1, 60, 60), 100, np.uint8)] * 5)
    fields = "noise: 30 noise_levels: 4 noise_label: true"
    (batch,) = take(net_of(load, fields, "mean_value: 100", size=60), 1)
    assert set(batch["l"].tolist()) == {0, 1, 2, 3}
    deviations = batch["d"].std(axis=(1, 2, 3))
    np.testing.assert_allclose(deviations, 10 * batch["l"], atol=1.5)
    assert np.abs(batch["d"].mean()) < 1
    assert (batch["d"][0] != batch["d"][1]).any()
    fields = "noise: 30 noise_label: true"
    (batch,) = take(net_of(load, fields, "mean_value: 100", size=60), 1)
    np.testing.assert_allclose(batch["d"].std(axis=(1, 2, 3)), batch["l"], rtol=0.1, atol=0.5)
    assert len(set(batch["l"].tolist())) == 60 and 25 < batch["l"].max() < 30


def test_noise_without_a_label_leaves_the_labels(images, lmdb_of, load):
    lmdb_of(images)
    (batch,) = take(net_of(load, "noise: 30"), 1)
    assert batch["l"].tolist() == list(range(7))
    assert (batch["d"] != images).any()


def test_noise_may_leave_the_range_of_bytes(lmdb_of, load):
    lmdb_of([np.zeros((1, 30, 30), np.uint8)])
    (batch,) = take(net_of(load, "noise: 30", size=9), 1)
    assert batch["d"].min() < -10


def test_a_rectangle_is_erased(lmdb_of, load):
    lmdb_of([np.full((2, 50, 50), 200, np.uint8)])
    fields = "erase: 0.4 min_erased: 0.1 max_erased: 0.3"
    (batch,) = take(net_of(load, fields, "mean_value: 50", size=300), 1)
    erased = batch["d"] == 0
    assert (erased | (batch["d"] == 150)).all()
    assert (erased[:, 0] == erased[:, 1]).all()
    shares = erased[:, 0].mean(axis=(1, 2))
    assert abs((shares > 0).mean() - 0.4) < 0.1
    found = shares[shares > 0]
    assert found.min() > 0.07 and found.max() < 0.33 and found.std() > 0.03
    for one in erased[shares > 0, 0]:
        rows, columns = np.flatnonzero(one.any(1)), np.flatnonzero(one.any(0))
        assert one.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert 0.2 < erased[:, 0, :25].sum() / erased[:, 0].sum() < 0.8


def test_nothing_happens_in_test(images, lmdb_of, load):
    lmdb_of(images)
    (batch,) = take(net_of(load, EVERYTHING, phase="TEST"), 1)
    np.testing.assert_array_equal(batch["d"], images)
    assert batch["l"].tolist() == list(range(7))


def test_resuming_sharing_and_reading_ahead_change_nothing(images, lmdb_of, load, monkeypatch):
    lmdb_of(images)
    net = net_of(load, EVERYTHING, "crop_size: 6 mirror: true mean_value: 99", size=4)
    whole = take(net, 12, seed=5)
    assert any((a["d"] != b["d"]).any() for a, b in zip(whole, take(net, 12, seed=6), strict=True))
    for done in (1, 4, 9):
        (again,) = take(net, 1, seed=5, start=4 * done)
        np.testing.assert_array_equal(again["d"], whole[done]["d"])
        np.testing.assert_array_equal(again["l"], whole[done]["l"])
    records = np.concatenate([b["d"] for b in whole])
    levels = np.concatenate([b["l"] for b in whole])
    for rank in range(3):
        shared = take(net, 4, seed=5, share=Share(rank, 3))
        np.testing.assert_array_equal(np.concatenate([b["d"] for b in shared]), records[rank::3])
        np.testing.assert_array_equal(np.concatenate([b["l"] for b in shared]), levels[rank::3])
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(7))  # seven threads
    monkeypatch.setattr("netdef.data.data_feed.LIMIT", 0)
    for batch, expected in zip(take(net, 12, seed=5), whole, strict=True):
        np.testing.assert_array_equal(batch["d"], expected["d"])


def test_the_same_record_changes_from_pass_to_pass(images, lmdb_of, load):
    lmdb_of(images)
    one, two = take(net_of(load, "brightness: 0.5"), 2)
    assert (one["d"] != two["d"]).any()


def test_each_change_draws_numbers_of_its_own():
    """Adding one change must not move the others."""
    image = np.random.RandomState(0).randint(0, 256, (3, 20, 20)).astype(np.uint8)
    words = draw(0, "t", 0, 1)[0]

    def changed(**fields):
        augmentation = Augmentation(pb.AugmentationParameter(**fields), 3, "d")
        (change,) = augmentation.drawn(range(4, 5))
        out = np.empty((3, 20, 20), np.float32)
        augmentation.into(out, image, words, Transformer(), change)
        return out

    both = changed(brightness=0.2, erase=1.0)
    bright, erased = changed(brightness=0.2), changed(erase=1.0)
    np.testing.assert_array_equal(both == 0, erased == 0)
    np.testing.assert_array_equal(both[erased != 0], bright[erased != 0])
