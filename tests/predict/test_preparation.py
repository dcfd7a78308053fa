"""What a net sees of an image file, against plain computations."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import netdef
from netdef.data.resizing import resized
from netdef.ir import Blob
from netdef.predict.image_files import image_files
from netdef.predict.labels import check_labels, read_labels
from netdef.predict.preparation import preparation
from netdef.predict.recipe import Recipe, recipe_of
from netdef.weights import write_binaryproto

COLOR = Blob("data", shape=(4, 3, 5, 4))


@pytest.fixture
def photo(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A photograph of 9 x 8 and its pixels (C, H, W), blue first."""
    values = np.random.default_rng(0).integers(0, 256, (9, 8, 3)).astype(np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(values).save(path)
    return path, values.transpose(2, 0, 1)[::-1]


def test_resized_straight(photo: tuple[Path, np.ndarray]) -> None:
    """Nothing is known: the whole image at the size of the input."""
    path, pixels = photo
    ready = preparation(COLOR, Recipe())
    seen = ready.seen(ready.read(path))
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(seen[0], resized(pixels, 5, 4).astype("f4"))


@pytest.mark.parametrize("rgb", [False, True])
def test_mean_scale_crop(photo: tuple[Path, np.ndarray], rgb: bool) -> None:
    """(crop of the centre - mean) * scale, the mean in the net's order of channels."""
    path, pixels = photo
    mean = np.array([104, 117, 123], np.float32)[:, None, None]
    ready = preparation(COLOR, Recipe(mean, 0.5, resize=(7, 8), rgb=rgb))
    large = resized(pixels[::-1] if rgb else pixels, 7, 8).astype("f4")
    expected = (large[:, 1:6, 2:6] - mean) * np.float32(0.5)
    np.testing.assert_array_equal(ready.seen(ready.read(path))[0], expected)


def test_mean_image(photo: tuple[Path, np.ndarray]) -> None:
    """It gives the size that images are resized to, and is cropped with them."""
    path, pixels = photo
    mean = np.random.default_rng(1).random((3, 7, 6)).astype("f4") * 255
    ready = preparation(COLOR, Recipe(mean))
    expected = (resized(pixels, 7, 6) - mean)[:, 1:6, 1:5]
    np.testing.assert_array_equal(ready.seen(ready.read(path))[0], expected)
    wrong = preparation(COLOR, Recipe(mean, resize=(8, 8)))
    with pytest.raises(netdef.NetdefError, match="the mean image is 3 x 7 x 6"):
        wrong.seen(wrong.read(path))


def test_ten_crops(photo: tuple[Path, np.ndarray]) -> None:
    """Corners and centre, then these mirrored; the mean image is not mirrored with them."""
    path, pixels = photo
    mean = np.random.default_rng(1).random((3, 9, 8)).astype("f4")
    ready = preparation(COLOR, Recipe(mean, oversample=True))
    whole = pixels - mean
    places = [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]
    crops = [whole[:, r : r + 5, c : c + 4] for r, c in places]
    expected = np.stack(crops + [crop[:, :, ::-1] for crop in crops])
    np.testing.assert_array_equal(ready.seen(ready.read(path)), expected)


@pytest.mark.parametrize(
    ("shape", "recipe", "rule"),
    [
        ((1, 3, 5, 4), Recipe(oversample=True), "bad-value"),
        ((1, 2, 5, 4), Recipe(), "no-image-input"),
        ((1, 1, 5, 4), Recipe(rgb=True), "bad-value"),
    ],
)
def test_recipes_that_do_not_fit(shape: tuple[int, ...], recipe: Recipe, rule: str) -> None:
    with pytest.raises(netdef.NetdefError) as caught:
        preparation(Blob("data", shape=shape), recipe)
    assert caught.value.diagnostics[0].rule == rule


def test_images_that_do_not_fit(photo: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    """No image; 16 bits; smaller than the crop."""
    ready = preparation(COLOR, Recipe(resize=(4, 4)))
    with pytest.raises(netdef.NetdefError, match="a crop of 5 x 4 from"):
        ready.read(photo[0])
    (tmp_path / "no.png").write_text("no image")
    with pytest.raises(netdef.NetdefError, match="holds no image"):
        ready.read(tmp_path / "no.png")
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(netdef.NetdefError, match="8 bits per channel"):
        ready.read(tmp_path / "deep.png")


def test_the_recipe_of_a_train_net(tmp_path: Path) -> None:
    """Mean image, scale and crop of the data layer; the size of ImageData."""
    write_binaryproto(tmp_path / "mean.binaryproto", np.full((3, 6, 6), 7, "f4"))
    path = tmp_path / "train.prototxt"
    path.write_text("""
layer {
  name: "data" type: "ImageData" top: "data" top: "label"
  transform_param { mean_file: "mean.binaryproto" scale: 0.25 crop_size: 5 }
  image_data_param { source: "list.txt" batch_size: 1 new_height: 6 new_width: 6 }
}
layer { name: "s" type: "Silence" bottom: "data" bottom: "label" }
""")
    found = recipe_of(netdef.load(path))
    assert found is not None
    assert (found.scale, found.crop, found.resize) == (0.25, (5, 5), (6, 6))
    np.testing.assert_array_equal(found.mean, np.full((3, 6, 6), 7, "f4"))
    (tmp_path / "mean.binaryproto").unlink()
    with pytest.raises(netdef.NetdefError, match="the mean image") as caught:
        recipe_of(netdef.load(path))
    assert caught.value.diagnostics[0].span is not None


def test_files_folders_and_lists(tmp_path: Path) -> None:
    """In the order in which they are named; folders sorted, and deeper ones when asked."""
    for name in ("b.png", "a.jpg", "note.txt", "in/c.png", "with space.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    listing = tmp_path / "list.txt"
    listing.write_text("in/c.png 3\nwith space.png 1\n\nwith space.png\n")

    def names(*arguments, **options) -> list[str]:
        return [path.name for path in image_files(*arguments, **options)]

    assert names([tmp_path / "b.png", tmp_path]) == ["b.png", "a.jpg", "b.png", "with space.png"]
    assert names([tmp_path], recursive=True) == ["a.jpg", "b.png", "c.png", "with space.png"]
    assert names([], lists=[listing]) == ["c.png", "with space.png", "with space.png"]
    with pytest.raises(netdef.NetdefError, match="nowhere"):
        image_files([tmp_path / "nowhere"])
    listing.write_text("nothing.png 1")
    with pytest.raises(netdef.NetdefError, match=r"`nothing.png 1`, listed in"):
        image_files([], lists=[listing])
    (tmp_path / "empty").mkdir()
    with pytest.raises(netdef.NetdefError, match="holds no images"):
        image_files([tmp_path / "empty"])


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("cat\ndog\n", {0: "cat", 1: "dog"}),
        ("n01440764 tench, Tinca tinca\nn01443537 fish\n", {0: "tench, Tinca tinca", 1: "fish"}),
        ("n01440764 tench\ndog", {0: "n01440764 tench", 1: "dog"}),
        (
            'item { name: "none" label: 0 display_name: "nothing" }\nitem { name: "x" label: 5 }',
            {0: "nothing", 5: "x"},
        ),
    ],
)  # fmt: skip
def test_labels(tmp_path: Path, text: str, labels: dict[int, str]) -> None:
    """Lines, synset_words.txt, a labelmap."""
    (tmp_path / "labels.txt").write_text(text)
    assert read_labels(tmp_path / "labels.txt") == labels


def test_labels_that_do_not_fit(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("\n")
    with pytest.raises(netdef.NetdefError, match="holds no labels"):
        read_labels(tmp_path / "labels.txt")
    check_labels({}, 3)
    with pytest.raises(netdef.NetdefError, match="2 labels, but the net has 3 classes"):
        check_labels({0: "a", 1: "b"}, 3)
