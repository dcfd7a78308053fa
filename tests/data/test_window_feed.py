"""WindowData: which windows are drawn, and how they are cut."""

from itertools import islice

import numpy as np
import pytest
from PIL import Image

from netdef.data.bad_records import BadRecords
from netdef.data.faults import DataFault
from netdef.data.loader import batches
from netdef.data.resizing import resized
from netdef.data.share import Share
from netdef.data.transformer import Transformer
from netdef.data.window_crop import WindowCrop
from netdef.data.window_file import read_windows
from netdef.source import NetdefError
from netdef.weights.binaryproto import write_binaryproto

NET = """layer {{ name: "w" type: "WindowData" top: "d" top: "l"
  window_data_param {{ source: "windows.txt" batch_size: 8 {fields} }}
  transform_param {{ crop_size: 8 {transform} }} }}"""
FILE = """# 0
a.png
3 20 30
4
3 0.9 2 3 11 14
2 0.5 0 0 9 9
1 0.4999 20 10 29 19
5 0.1 5 5 5 5
# 1
b.png
3 12 10
2
7 1 0 0 9 11
1 0 1 1 4 4
"""


def net_of(load, fields="", transform=""):
    return load(NET.format(fields=fields, transform=transform), "TRAIN")


def take(net, count, **options):
    iterator = batches(net, **options)
    taken = [{k: v.numpy().copy() for k, v in b.items()} for b in islice(iterator, count)]
    iterator.close()
    return taken


@pytest.fixture
def photos(tmp_path):
    """Two images (C, H, W), channels BGR, and a file of windows in them."""
    draw = np.random.RandomState(0)
    images = [draw.randint(0, 256, size).astype(np.uint8) for size in ((20, 30, 3), (12, 10, 3))]
    for name, image in zip("ab", images, strict=True):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    (tmp_path / "windows.txt").write_text(FILE)
    return [image[..., ::-1].transpose(2, 0, 1) for image in images]


def test_the_file(photos, tmp_path):
    windows = read_windows(tmp_path / "windows.txt")
    assert windows.paths == ["a.png", "b.png"]
    assert windows.image.tolist() == [0, 0, 0, 0, 1, 1]
    assert windows.label.tolist() == [3, 2, 1, 5, 7, 1]
    assert windows.corners[2].tolist() == [20, 10, 29, 19]


def cut(image, x1, y1, x2, y2):
    return resized(image[:, y1 : y2 + 1, x1 : x2 + 1], 8, 8)


def expected_of(photos):
    """What each window shows, stretched to 8 x 8, by label; background ones under 0."""
    a, b = photos
    objects = {3: cut(a, 2, 3, 11, 14), 2: cut(a, 0, 0, 9, 9), 7: cut(b, 0, 0, 9, 11)}
    background = [cut(a, 20, 10, 29, 19), cut(a, 5, 5, 5, 5), cut(b, 1, 1, 4, 4)]
    return objects, background


def test_background_comes_first_then_objects(photos, load):
    objects, background = expected_of(photos)
    seen = set()
    for batch in take(net_of(load), 30, seed=1):
        assert (batch["l"][:6] == 0).all()
        for image, label in zip(batch["d"][6:], batch["l"][6:], strict=True):
            np.testing.assert_array_equal(image, objects[int(label)])
            seen.add(int(label))
        for image in batch["d"][:6]:
            (which,) = [i for i, b in enumerate(background) if (image == b).all()]
            seen.add(-which)
    assert seen == {3, 2, 7, 0, -1, -2}


@pytest.mark.parametrize(
    ("fields", "objects"),
    [("fg_fraction: 0.5", 4), ("fg_fraction: 0.49", 3), ("fg_fraction: 0", 0)],
)
def test_the_share_of_objects(photos, load, fields, objects):
    for batch in take(net_of(load, fields), 5):
        assert (batch["l"] > 0).tolist() == [False] * (8 - objects) + [True] * objects


def test_thresholds(photos, load):
    fields = "fg_threshold: 0.9 bg_threshold: 0.2 fg_fraction: 0.5"
    labels = np.concatenate([b["l"] for b in take(net_of(load, fields), 20)])
    assert set(labels.tolist()) == {0, 3, 7}  # 0.9 in the file is not below 0.9


def test_mirror_flips_half_of_the_windows(photos, load):
    objects, _ = expected_of(photos)
    flipped = []
    for batch in take(net_of(load, "fg_fraction: 1", "mirror: true"), 40):
        for image, label in zip(batch["d"], batch["l"], strict=True):
            straight = objects[int(label)]
            flipped.append((image == straight[:, :, ::-1]).all())
            assert flipped[-1] or (image == straight).all()
    assert abs(np.mean(flipped) - 0.5) < 0.1


def test_resuming_and_sharing_give_the_same_windows(photos, load):
    net = net_of(load, "fg_fraction: 0.5", "mirror: true")
    whole = take(net, 6, seed=3)
    (again,) = take(net, 1, seed=3, start=4 * 8)
    np.testing.assert_array_equal(again["d"], whole[4]["d"])
    for rank in range(2):
        shared = take(net, 3, seed=3, share=Share(rank, 2))
        for batch in shared:
            assert (batch["l"] > 0).tolist() == [False] * 4 + [True] * 4
        (alone,) = take(net, 1, seed=3, share=Share(rank, 2), start=32)
        np.testing.assert_array_equal(alone["d"], shared[2]["d"])
    assert not (take(net, 1, seed=4)[0]["l"] == whole[0]["l"]).all()


def plain(crop, image, corners, transform, flip, side):
    """The reference's steps, in order, for a window with surroundings."""
    f = np.float32
    x1, y1, x2, y2 = corners
    scale = f(side) / f(side - 2 * crop.context_pad)
    half_h, half_w = f(y2 - y1 + 1) / f(2), f(x2 - x1 + 1) / f(2)
    cx, cy = f(x1) + half_w, f(y1) + half_h
    if crop.square:
        half_h = half_w = max(half_h, half_w)

    def near(value):
        return int(np.floor(value + 0.5)) if value >= 0 else int(np.ceil(value - 0.5))

    x1, x2 = near(cx - half_w * scale), near(cx + half_w * scale)
    y1, y2 = near(cy - half_h * scale), near(cy + half_h * scale)
    wide = np.zeros((3, y2 - y1 + 1, x2 - x1 + 1), np.uint8)
    rows, columns = image.shape[1:]
    sx, sy = f(side) / f(wide.shape[2]), f(side) / f(wide.shape[1])
    left, right = max(0, -x1), max(0, x2 - columns + 1)
    top, bottom = max(0, -y1), max(0, y2 - rows + 1)
    inner = image[:, y1 + top : y2 - bottom + 1, x1 + left : x2 - right + 1]
    height, width = near(f(inner.shape[1]) * sy), near(f(inner.shape[2]) * sx)
    pad_h, pad_w = near(f(top) * sy), near(f(right if flip else left) * sx)
    height, width = min(height, side - pad_h), min(width, side - pad_w)
    warped = resized(inner, height, width)
    out = np.zeros((3, side, side), f)
    for c in range(3):
        for h in range(height):
            for w in range(width):
                pixel = f(warped[c, h, width - 1 - w if flip else w])
                out[c, h + pad_h, w + pad_w] = (pixel - transform.mean[c, 0, 0]) * transform.scale
    return out


@pytest.mark.parametrize("square", [False, True], ids=["warp", "square"])
@pytest.mark.parametrize("pad", [1, 3, 5])
@pytest.mark.parametrize("flip", [False, True])
def test_surroundings_against_the_definition(photos, square, pad, flip):
    transform = Transformer(0.5, mean=np.array([1, 2, 3], np.float32)[:, None, None])
    crop, draw = WindowCrop(pad, square), np.random.RandomState(pad)
    outside = 0
    for image in photos:
        rows, columns = image.shape[1:]
        for _ in range(40):
            x1, x2 = np.sort(draw.randint(0, columns, 2))
            y1, y2 = np.sort(draw.randint(0, rows, 2))
            out = np.zeros((3, 16, 16), np.float32)
            crop.into(out, image, np.array([x1, y1, x2, y2]), transform, flip)
            expected = plain(crop, image, (x1, y1, x2, y2), transform, flip, 16)
            np.testing.assert_array_equal(out, expected)
            outside += not expected[0].all()
    assert outside > 10


def test_padding_by_hand():
    """A window of 8 x 8 at the corner, 4 of 16 pixels around it: 4 of them lie outside."""
    image = np.full((3, 20, 20), 90, np.uint8)
    out = np.zeros((3, 16, 16), np.float32)
    WindowCrop(4).into(out, image, np.array([0, 0, 7, 7]), Transformer(), False)
    # Widened to -4..12, 17 pixels of which 13 are inside; 16/17 of that is 12, and 4 before it.
    assert (out[0] != 0).sum(0).tolist() == [0] * 4 + [12] * 12
    assert (out[0] != 0).sum(1).tolist() == [0] * 4 + [12] * 12


def test_a_square_keeps_the_shape_of_things():
    image = np.zeros((3, 40, 40), np.uint8)
    image[:, 10:31, 18:23] = 200  # 21 rows, 5 columns
    out = np.zeros((3, 21, 21), np.float32)
    WindowCrop(0, square=True).into(out, image, np.array([18, 10, 22, 30]), Transformer(), False)
    assert abs((out[0, 10] > 100).sum() - 5) <= 1
    stretched = np.zeros((3, 21, 21), np.float32)
    WindowCrop().into(stretched, image, np.array([18, 10, 22, 30]), Transformer(), False)
    assert (stretched == 200).all()


def test_a_mean_image_is_cropped_at_its_own_centre(photos, load, tmp_path):
    objects, _ = expected_of(photos)
    mean = np.random.RandomState(1).uniform(0, 255, (3, 13, 13)).astype(np.float32)
    write_binaryproto(tmp_path / "mean.binaryproto", mean)
    transform = 'mean_file: "mean.binaryproto" mirror: true scale: 2'
    for batch in take(net_of(load, "fg_fraction: 1", transform), 5):
        for image, label in zip(batch["d"], batch["l"], strict=True):
            straight = objects[int(label)]
            choices = [
                (shown.astype(np.float32) - mean[:, 2:10, 2:10]) * 2
                for shown in (straight, straight[:, :, ::-1])
            ]
            assert any((image == choice).all() for choice in choices)


def test_a_mean_image_smaller_than_the_crop(photos, load, tmp_path):
    write_binaryproto(tmp_path / "mean.binaryproto", np.zeros((3, 7, 9), np.float32))
    net = net_of(load, "", 'mean_file: "mean.binaryproto"')
    with pytest.raises(NetdefError, match="the mean image is 3 x 7 x 9, less than the crop"):
        next(batches(net))


def test_files_may_stay_in_memory(photos, load, tmp_path):
    net = net_of(load, "cache_images: true")
    iterator = batches(net, seed=1)
    for _ in range(4):
        next(iterator)
    (tmp_path / "a.png").unlink()
    (tmp_path / "b.png").unlink()
    for _ in range(8):
        next(iterator)


def test_a_window_outside_of_its_image(photos, load, tmp_path):
    (tmp_path / "windows.txt").write_text("# 0\na.png\n3 20 30\n1\n1 0 5 5 30 9\n")
    with pytest.raises(NetdefError, match=r"`a\.png`, .* has 20 x 30 pixels .* \(30, 9\)"):
        next(batches(net_of(load, "fg_fraction: 0")))


def test_the_next_good_window_stands_in(photos, load, tmp_path):
    net = net_of(load, "fg_fraction: 1")
    (tmp_path / "a.png").write_bytes(b"")
    told = []
    batch = next(batches(net, bad=BadRecords("skip", told.append)))
    assert set(batch["l"].tolist()) == {7}
    assert len(told) == 1
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(NetdefError, match=r"none of the images that .* lists can be read"):
        next(batches(net, bad=BadRecords("skip", told.append)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no images"),
        ("# 1\na.png\n3 20 30\n0\n", "image 0 is not `# 0`"),
        ("# 0\na.png\n3 20 30\n2\n1 0.5 0 0 1 1\n", "image 1 is not"),
        ("# 0\na.png\n3 20 30\nx\n", "image 1 is not"),
        ("# 0\na.png\n3 20 30\n-1\n", "image 1 is not"),
        ("some text", "image 0 is not"),
    ],
)
def test_what_is_no_file_of_windows(tmp_path, text, message):
    (tmp_path / "windows.txt").write_text(text)
    with pytest.raises(DataFault, match=message):
        read_windows(tmp_path / "windows.txt")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("bg_threshold: 0", "overlaps by less than 0: there is no background"),
        ("fg_threshold: 1 bg_threshold: 1", None),
        ("fg_threshold: 0 fg_fraction: 1", None),
    ],
)
def test_a_kind_without_windows(photos, load, fields, message):
    net = net_of(load, fields)
    if message is None:
        next(batches(net))
        return
    with pytest.raises(NetdefError, match=message):
        batches(net)


def test_an_object_of_the_background_class(photos, load, tmp_path):
    (tmp_path / "windows.txt").write_text(FILE.replace("7 1 0 0", "0 1 0 0"))
    with pytest.raises(NetdefError, match="an object in image 1 has class 0"):
        batches(net_of(load))
