"""ImageData, MemoryData, WindowData: shapes, what must be given, what contradicts itself."""

import subprocess
import sys

import pytest
from PIL import Image

import netdef
from netdef.data.probe import prober
from netdef.passes.pipeline import Request, check_net, load_net
from netdef.source import NetdefError, SourceFile

OWN = {
    "ImageData": "image_data_param",
    "MemoryData": "memory_data_param",
    "WindowData": "window_data_param",
}
LIST = 'source: "list.txt"'


def layer(kind: str, fields: str, transform: str = "", tops: int = 2) -> str:
    names = " ".join(f'top: "{name}"' for name in ("data", "label", "more")[:tops])
    made = f"transform_param {{ {transform} }}" if transform else ""
    return f'layer {{ name: "d" type: "{kind}" {names}\n{OWN[kind]} {{ {fields} }}\n{made} }}'


def shapes(text: str, folder=None) -> dict[str, tuple[int, ...] | None]:
    """Shapes of the tops, as loading a file in `folder` gives them."""
    file = SourceFile(str(folder / "net.prototxt") if folder else "<text>", text)
    net = load_net(file, "TRAIN", Request(probe=prober(file.path) if folder else None))
    return {name: blob.shape for name, blob in net.blobs.items()}


@pytest.fixture
def photos(tmp_path):
    """A list of images of 30 x 20 (width x height) and of others, below `photos`."""
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "photos/first one.png")
    Image.new("L", (7, 9)).save(tmp_path / "photos/second.png")
    (tmp_path / "list.txt").write_text("\nfirst one.png 3\nsecond.png 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("fields", "transform", "image"),
    [
        ("new_height: 32 new_width: 48", "", (3, 32, 48)),
        ("new_height: 32 new_width: 48", "crop_size: 24", (3, 24, 24)),
        ("new_height: 32 new_width: 48 is_color: false", "crop_h: 8 crop_w: 40", (1, 8, 40)),
        ("", "crop_size: 24", (3, 24, 24)),
        ("is_color: false", "crop_size: 24", (1, 24, 24)),
    ],
)
def test_sizes_that_the_file_gives_need_no_image(fields, transform, image):
    found = shapes(layer("ImageData", f"{LIST} batch_size: 5 {fields}", transform))
    assert found == {"data": (5, *image), "label": (5,)}


def test_one_image_is_a_batch_when_nothing_is_said():
    assert shapes(layer("ImageData", LIST, "crop_size: 2"))["data"] == (1, 3, 2, 2)


@pytest.mark.parametrize(("color", "channels"), [("", 3), ("is_color: false", 1)])
def test_the_first_image_says_the_rest(photos, color, channels):
    fields = f'{LIST} root_folder: "photos/" batch_size: 4 {color}'
    found = shapes(layer("ImageData", fields), photos)
    assert found == {"data": (4, channels, 20, 30), "label": (4,)}


def test_the_root_is_put_before_the_path_as_it_is(photos):
    (photos / "list.txt").write_text("rst one.png 0\n")
    found = shapes(layer("ImageData", f'{LIST} root_folder: "photos/fi"'), photos)
    assert found["data"] == (1, 3, 20, 30)


def test_a_line_may_lack_its_label(photos):
    (photos / "list.txt").write_text("photos/second.png\n")
    assert shapes(layer("ImageData", LIST), photos)["data"] == (1, 3, 9, 7)


@pytest.mark.parametrize("missing", ["list.txt", "photos/first one.png"])
def test_without_its_files_the_shape_is_not_known(photos, missing):
    (photos / missing).unlink()
    file = SourceFile(str(photos / "net.prototxt"), layer("ImageData", LIST))
    net = load_net(file, "TRAIN", Request(probe=prober(file.path)))
    assert net.blobs["data"].shape is None
    assert net.blobs["label"].shape == (1,)
    assert [d.rule for d in net.diagnostics] == ["missing-source"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.txt", b"\n \n", "list.txt lists no images"),
        ("photos/first one.png", b"no image", "first one.png, the first image listed, cannot be"),
        ("photos/first one.png", b"", "first one.png, the first image listed, cannot be read"),
    ],
)
def test_damaged_files(photos, name, content, message):
    (photos / name).write_bytes(content)
    text = layer("ImageData", f'{LIST} root_folder: "photos/"')
    file = SourceFile(str(photos / "net.prototxt"), text)
    (found,) = check_net(file, ["TRAIN"], Request(probe=prober(file.path)))
    assert (found.rule, message in found.message) == ("bad-source", True)


def test_a_list_that_is_a_folder(tmp_path):
    (tmp_path / "list.txt").mkdir()
    with pytest.raises(NetdefError, match=r"cannot read .*list\.txt: Is a directory"):
        shapes(layer("ImageData", LIST), tmp_path)


def test_probing_is_light_unless_an_image_is_read(photos):
    (photos / "net.prototxt").write_text(layer("ImageData", LIST, "crop_size: 2"))
    program = (
        "import sys, netdef\n"
        "print(netdef.load('net.prototxt').blobs['data'].shape)\n"
        "print(*sorted({'torch', 'numpy', 'h5py', 'PIL', 'onnx'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=photos, capture_output=True, text=True, check=True)
    assert result.stdout == "(1, 3, 2, 2)\n\n"


def test_old_fields_and_those_of_forks_are_warned_of():
    text = layer("ImageData", f"{LIST} scale: 2 new_length: 16 label_type: NONE", "crop_size: 2")
    net = netdef.loads(text)
    assert [(d.rule, d.message) for d in net.diagnostics] == [
        (
            "ignored-field",
            "`scale` does nothing in `image_data_param`: Caffe silently ignores it",
        ),
        ("ignored-field", "`new_length` has no effect in this ImageData"),
        ("ignored-field", "`label_type` has no effect in this ImageData"),
    ]


def test_shapes_of_memory_data():
    fields = "batch_size: 4 channels: 2 height: 5 width: 6"
    assert shapes(layer("MemoryData", fields)) == {"data": (4, 2, 5, 6), "label": (4,)}


def test_shapes_of_window_data():
    text = layer("WindowData", f"{LIST} batch_size: 4 context_pad: 3", "crop_size: 7")
    assert shapes(text) == {"data": (4, 3, 7, 7), "label": (4,)}


WINDOWS = f"{LIST} batch_size: 2"
MEMORY = "batch_size: 2 channels: 3 height: 5 width: 6"


@pytest.mark.parametrize(
    ("kind", "fields", "transform", "rule", "message"),
    [
        ("ImageData", "", "crop_size: 1", "missing-field", "ImageData needs `source`"),
        ("ImageData", f"{LIST} batch_size: 0", "", "bad-value", "`batch_size` must be at least 1"),
        ("ImageData", f"{LIST} new_height: 5", "", "bad-value", "or neither"),
        ("ImageData", f"{LIST} new_width: 5", "", "bad-value", "or neither"),
        (
            "ImageData",
            f"{LIST} new_height: 5 new_width: 9",
            "crop_size: 6",
            "bad-value",
            "a crop of 6 x 6 from images of 5 x 9",
        ),
        (
            "ImageData",
            f"{LIST} is_color: false",
            "crop_size: 6 mean_value: 1 mean_value: 2 mean_value: 3",
            "bad-value",
            "3 mean values for 1 channels",
        ),
        ("ImageData", LIST, "crop_h: 6", "bad-value", "give `crop_h` and `crop_w`"),
        (
            "ImageData",
            LIST,
            'crop_size: 6 mean_file: "m" mean_value: 1',
            "bad-value",
            "give `mean_file` or `mean_value`, not both",
        ),
        ("MemoryData", "batch_size: 2 channels: 3 height: 4", "", "missing-field", "`width`"),
        ("MemoryData", MEMORY.replace("5", "0"), "", "bad-value", "`height` must be at least 1"),
        ("MemoryData", MEMORY, "crop_size: 5", "bad-value", "images of 5 x 6 after it"),
        ("WindowData", WINDOWS, "", "missing-field", "WindowData needs `crop_size`"),
        ("WindowData", LIST, "crop_size: 4", "missing-field", "WindowData needs `batch_size`"),
        ("WindowData", "batch_size: 1", "crop_size: 4", "missing-field", "needs `source`"),
        (
            "WindowData",
            f"{WINDOWS} context_pad: 2",
            "crop_size: 4",
            "bad-value",
            "`context_pad` 2 on both sides leaves nothing of 4",
        ),
        (
            "WindowData",
            f"{WINDOWS} fg_fraction: 1.5",
            "crop_size: 4",
            "bad-value",
            "`fg_fraction` must be from 0 to 1, not 1.5",
        ),
        (
            "WindowData",
            f"{WINDOWS} bg_threshold: -0.5",
            "crop_size: 4",
            "bad-value",
            "`bg_threshold` must be from 0 to 1, not -0.5",
        ),
        (
            "WindowData",
            f'{WINDOWS} crop_mode: "stretch"',
            "crop_size: 4",
            "bad-value",
            '`crop_mode` is "warp" or "square", not "stretch"',
        ),
    ],
)
def test_faults(kind, fields, transform, rule, message):
    with pytest.raises(NetdefError) as caught:
        netdef.loads(layer(kind, fields, transform))
    (found,) = caught.value.diagnostics
    assert found.rule == rule
    assert message in found.message


@pytest.mark.parametrize("kind", OWN)
def test_labels_may_be_left_out_but_nothing_else_be_made(kind):
    fields = {
        "ImageData": (LIST, "crop_size: 4"),
        "MemoryData": ("batch_size: 1 channels: 3 height: 4 width: 4", ""),
        "WindowData": (f"{LIST} batch_size: 1", "crop_size: 4"),
    }
    assert shapes(layer(kind, *fields[kind], tops=1)) == {"data": (1, 3, 4, 4)}
    with pytest.raises(NetdefError, match=f"{kind} takes 1 to 2 tops, but `d` has 3"):
        netdef.loads(layer(kind, *fields[kind], tops=3))


def test_all_faults_are_listed():
    with pytest.raises(NetdefError) as caught:
        netdef.loads(layer("MemoryData", "channels: 0"))
    assert len(caught.value.diagnostics) == 4
