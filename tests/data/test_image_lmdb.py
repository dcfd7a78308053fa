"""Lists of images into LMDBs: keys, pixels, encodings, and everything that can be wrong."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from netdef.data.datum import parse, pixels
from netdef.data.image_lines import read_lines
from netdef.data.image_lmdb import ImageOptions, write_images
from netdef.data.lmdb_source import LmdbSource
from netdef.data.resizing import resized
from netdef.source import NetdefError, Severity


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four images of two sizes and three formats in `photos`, and a list of them."""
    monkeypatch.chdir(tmp_path)
    random = np.random.RandomState(0)
    (tmp_path / "photos" / "a dog").mkdir(parents=True)
    for name, size in (("1.png", (6, 8)), ("2.bmp", (6, 8)), ("a dog/3.jpg", (9, 5))):
        image = random.randint(0, 256, (*size, 3)).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / "photos" / name)
    gray = random.randint(0, 256, (6, 8)).astype(np.uint8)
    Image.fromarray(gray).save(tmp_path / "photos" / "4.png")
    (tmp_path / "list.txt").write_text("1.png 3\n2.bmp -1\n\na dog/3.jpg 0\r\n4.png 7")
    return tmp_path


def convert(folder, **options):
    """Convert the list; return the records, and the warnings."""
    told = []
    options = ImageOptions(**{"root": "photos", **options})
    target = folder / "images_lmdb"
    count = write_images(folder / "list.txt", target, options, told.append, force=True)
    source = LmdbSource(target)
    assert source.size == count
    return source.read(0, count), told


def faults(folder, **options):
    with pytest.raises(NetdefError) as raised:
        convert(folder, **options)
    assert not (folder / "images_lmdb").exists()
    return raised.value.diagnostics


def opened(folder, name: str) -> np.ndarray:
    """An image as pillow reads it, (C, H, W), blue first."""
    image = np.asarray(Image.open(folder / "photos" / name).convert("RGB"))
    return image[:, :, ::-1].transpose(2, 0, 1)


def test_keys_labels_and_pixels(folder):
    records, told = convert(folder)
    assert told == []
    assert [key for key, _ in records] == [
        b"00000000_1.png", b"00000001_2.bmp", b"00000002_a dog/3.jpg", b"00000003_4.png",
    ]  # fmt: skip
    datums = [parse(value) for _, value in records]
    assert [datum.label for datum in datums] == [3, -1, 0, 7]
    assert [(d.channels, d.height, d.width) for d in datums] == [
        (3, 6, 8), (3, 6, 8), (3, 9, 5), (3, 6, 8),
    ]  # fmt: skip
    for datum, name in zip(datums, ("1.png", "2.bmp", "a dog/3.jpg", "4.png"), strict=True):
        assert not datum.encoded
        np.testing.assert_array_equal(pixels(datum), opened(folder, name))


@pytest.mark.parametrize("root", ["photos", "photos/", "./photos"])
def test_root_with_or_without_a_slash(folder, root):
    assert len(convert(folder, root=root)[0]) == 4


def test_root_may_be_the_beginning_of_names(folder):
    (folder / "list.txt").write_text(".png 0\n")
    records, _ = convert(folder, root="photos/1")
    assert [key for key, _ in records] == [b"00000000_.png"]


def test_resizing_and_gray(folder):
    records, _ = convert(folder, size=(4, 7), gray=True, check_size=True)
    for (_, value), name in zip(records[::3], ("1.png", "4.png"), strict=True):
        gray = np.asarray(Image.open(folder / "photos" / name).convert("L"))[None]
        np.testing.assert_array_equal(pixels(parse(value)), resized(gray, 4, 7))


def test_files_as_wanted_are_kept(folder):
    records, _ = convert(folder, encode="png")
    datums = [parse(value) for _, value in records]
    assert all(datum.encoded for datum in datums)
    assert [datum.label for datum in datums] == [3, -1, 0, 7]
    assert datums[0].data == (folder / "photos" / "1.png").read_bytes()
    for datum, name in zip(datums, ("1.png", "2.bmp", "a dog/3.jpg", "4.png"), strict=True):
        assert Image.open(BytesIO(datum.data)).format == "PNG"
        np.testing.assert_array_equal(pixels(datum), opened(folder, name))


def test_gray_files_are_kept_as_gray(folder):
    records, _ = convert(folder, encode="png", gray=True)
    datums = [parse(value) for _, value in records]
    assert datums[3].data == (folder / "photos" / "4.png").read_bytes()
    assert [pixels(datum).shape[0] for datum in datums] == [1, 1, 1, 1]


def test_quality_of_jpg(folder):
    sizes = []
    for quality in (20, 95):
        records, _ = convert(folder, encode="jpg", quality=quality, size=(32, 32))
        datums = [parse(value) for _, value in records]
        assert {Image.open(BytesIO(datum.data)).format for datum in datums} == {"JPEG"}
        assert {pixels(datum).shape for datum in datums} == {(3, 32, 32)}
        sizes.append(sum(len(datum.data) for datum in datums))
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("gray", [False, True])
def test_modes_of_all_kinds(folder, gray):
    """Transparency is dropped without a word; one bit, palettes and CMYK become plain."""
    photos = folder / "photos"
    picture = Image.open(photos / "1.png")
    picture.convert("CMYK").save(photos / "cmyk.jpg")
    picture.convert("RGBA").save(photos / "rgba.png")
    picture.convert("LA").save(photos / "la.png")
    picture.convert("1").save(photos / "one.png")
    picture.quantize(16).save(photos / "palette.png", transparency=bytes(range(16)))
    names = ["cmyk.jpg", "rgba.png", "la.png", "one.png", "palette.png"]
    (folder / "list.txt").write_text("".join(f"{name} 0\n" for name in names))
    records, told = convert(folder, gray=gray)
    assert told == []
    shapes = {pixels(parse(value)).shape for _, value in records}
    assert (len(records), shapes) == (5, {(1 if gray else 3, 6, 8)})


def test_shuffling_is_a_function_of_the_seed(folder):
    (folder / "list.txt").write_text("".join(f"1.png {label}\n" for label in range(40)))
    orders = []
    for seed in (1, 1, 2, None):
        records, _ = convert(folder, seed=seed)
        assert [key[:9] for key, _ in records] == [b"%08d_" % i for i in range(40)]
        orders.append([parse(value).label for _, value in records])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]) == orders[3] == list(range(40))


@pytest.fixture
def broken(folder):
    """The list with images that are cut short, empty, absent, or of 16 bits."""
    photos = folder / "photos"
    (photos / "cut.jpg").write_bytes((photos / "a dog" / "3.jpg").read_bytes()[:-200])
    (photos / "none.png").write_bytes(b"")
    Image.fromarray(np.full((4, 4), 999, np.uint16)).save(photos / "deep.png")
    (folder / "list.txt").write_text(
        "1.png 0\ncut.jpg 1\nnone.png 2\n\nnowhere.png 3\ndeep.png 4\nfolder 5\n4.png 6\n"
    )
    (photos / "folder").mkdir()
    return folder


def test_bad_images_are_named_with_their_lines(broken):
    records, told = convert(broken)
    # As in the reference, numbers of images that are left out are not given to others.
    assert [key for key, _ in records] == [b"00000000_1.png", b"00000006_4.png"]
    assert {d.severity for d in told} == {Severity.WARNING}
    assert [str(d.span) for d in told] == [
        f"list.txt:{line}:1" for line in (2, 3, 5, 6, 7)
    ]  # fmt: skip
    texts = [d.message for d in told]
    assert texts[0].startswith("`cut.jpg` holds a broken image")
    assert texts[1:] == [
        "`none.png` holds no image; left out",
        "`nowhere.png` is not there; left out",
        "`deep.png` holds an image of mode I;16; 8 bits per channel are wanted; left out",
        "`folder` cannot be read: Is a directory; left out",
    ]
    assert "looked in" in told[2].note


def test_stopping_at_the_first_bad_image(broken):
    (fault,) = faults(broken, stop=True)
    assert (fault.rule, str(fault.span)) == ("bad-image", "list.txt:2:1")


def test_no_image_can_be_read(folder):
    (fault,) = faults(folder, root="elsewhere")
    assert fault.message == "none of the 4 images of list.txt can be read"


def test_sizes_that_differ(folder):
    (fault,) = faults(folder, check_size=True)
    assert (fault.rule, str(fault.span)) == ("shape-mismatch", "list.txt:4:1")
    assert fault.message == "the image is (3, 9, 5); all must be of one size"
    assert fault.labels[0].message == "this one is (3, 6, 8)"


def test_every_bad_line_is_listed(folder):
    (folder / "list.txt").write_text("1.png 3\n1.png cat\nalone\n2.bmp 1.5\nx 4294967296\n")
    found = faults(folder)
    assert [(d.rule, str(d.span), d.message) for d in found] == [
        ("bad-list", "list.txt:2:7", "the label `cat` is no whole number of 32 bits"),
        ("bad-list", "list.txt:3:1", "a line has no label"),
        ("bad-list", "list.txt:4:7", "the label `1.5` is no whole number of 32 bits"),
        ("bad-list", "list.txt:5:3", "the label `4294967296` is no whole number of 32 bits"),
    ]


def test_what_is_no_list(folder):
    (folder / "list.txt").write_text("all that glitters\n" * 1000)
    assert len(faults(folder)) == 20
    (folder / "list.txt").write_text("\n \n")
    assert faults(folder)[0].message == "list.txt lists no images"
    (folder / "list.txt").write_bytes(b"\x89PNG\0\0")
    assert faults(folder)[0].rule == "not-text"
    (folder / "list.txt").unlink()
    assert faults(folder)[0].message == "cannot read list.txt: No such file or directory"


def test_a_path_too_long_for_a_key(folder):
    name = "d/" * 250 + "1.png"
    (folder / "list.txt").write_text(f"1.png 0\n{name} 0\n")
    (fault,) = faults(folder)
    assert (fault.rule, fault.span.line) == ("bad-list", 2)
    assert "at most 511 bytes" in fault.message


def test_tabs_spaces_and_a_mark_at_the_start(tmp_path):
    listing = tmp_path / "list.txt"
    listing.write_bytes(b"\xef\xbb\xbf  a.png\t1\nb  c.png   +2  \n")
    lines = read_lines(listing)
    assert [(line.name, line.label) for line in lines] == [("a.png", 1), ("b  c.png", 2)]
    assert [line.span.text for line in lines] == ["a.png", "b  c.png"]
