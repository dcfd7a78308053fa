"""`netdef data` as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from netdef.cli import main
from netdef.data.datum import from_pixels
from netdef.data.lmdb_writer import LmdbWriter
from netdef.weights.binaryproto import read_mean


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with six images, a list of seven, and a database with a broken record."""
    random = np.random.RandomState(0)
    (tmp_path / "photos").mkdir()
    for number in range(6):
        pixels = random.randint(0, 256, (20, 30, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    lines = [f"{number}.png {number % 3}" for number in range(7)]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    with LmdbWriter(tmp_path / "odd_lmdb") as writer:
        for number in range(3):
            datum = from_pixels(random.randint(0, 256, (1, 4, 4)).astype(np.uint8), number)
            writer.put(b"%08d" % number, datum.SerializeToString())
        writer.put(b"00000003", b"junk")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, code: int = 0) -> tuple[str, str]:
    """Run `netdef data ...` in this process and return what it prints on both channels."""
    result = CliRunner().invoke(main, ["data", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def test_images(folder: Path) -> None:
    """What is left out is named with its line; the rest is there."""
    out, err = run("images", "list.txt", "-o", "db", "--root", "photos", "--resize", "8x10")
    assert out == "db: 6 images, 1 left out\n"
    assert "list.txt:7:1: warning[bad-image]: `6.png` is not there; left out" in err
    shown, _ = run("show", "db")
    assert shown.splitlines()[:3] == ["db: LMDB, 6 records", "sizes: 3 x 8 x 10", "kept as: bytes"]
    run("images", "list.txt", "-o", "db", "--root", "photos", code=1)  # it is there already
    run("images", "list.txt", "-o", "db", "--root", "photos", "--force")


def test_images_every_option(folder: Path) -> None:
    """They reach the conversion."""
    options = "--gray --encode jpg --quality 50 --shuffle --seed 3 --check-size --root photos/"
    assert run("images", "list.txt", "-o", "db", *options.split())[0].startswith("db: 6 images")
    found = json.loads(run("verify", "db", "--json")[0])
    assert [size["value"] for size in found["sizes"]] == ["1 x 20 x 30"]
    assert [kind["value"] for kind in found["encodings"]] == ["jpeg"]
    assert {key.split("_")[1] for key in found["first_keys"]} <= {f"{i}.png" for i in range(7)}
    _, err = run("images", "list.txt", "-o", "x", "--root", "photos", "--on-bad", "stop", code=1)
    assert "list.txt:7:1: error[bad-image]: `6.png` is not there\n" in err
    assert not (folder / "x").exists()


@pytest.mark.parametrize("size", ["8", "0x8", "8x", "-1x2", "axb", "99999x1"])
def test_sizes_that_are_none(folder: Path, size: str) -> None:
    """They are wrong usage."""
    _, err = run("images", "list.txt", "-o", "db", f"--resize={size}", code=2)
    assert "--resize" in err


def test_mean(folder: Path) -> None:
    """The file, the values to paste, and the same as JSON."""
    run("images", "list.txt", "-o", "db", "--root", "photos")
    out, _ = run("mean", "db", "-o", "mean.binaryproto")
    mean = read_mean(folder / "mean.binaryproto")
    images = [np.asarray(Image.open(f"photos/{i}.png"))[:, :, ::-1] for i in range(6)]
    np.testing.assert_allclose(mean, np.mean(images, axis=0).transpose(2, 0, 1), rtol=1e-6)
    values = mean.mean(axis=(1, 2), dtype=np.float64)
    fields = " ".join(f"mean_value: {value:.6g}" for value in values)
    assert out.splitlines() == [
        "mean of 6 images of 3 x 20 x 30, written to mean.binaryproto",
        f"transform_param {{ {fields} }}",
    ]
    data = json.loads(run("mean", "db", "--max", "1", "--json")[0])
    assert (data["records"], data["shape"]) == (1, [3, 20, 30])
    np.testing.assert_allclose(data["mean_values"], images[0].mean(axis=(0, 1)))
    _, err = run("mean", "odd_lmdb", "-o", "odd.binaryproto", code=1)
    assert "record `00000003` of odd_lmdb is not a Datum" in err
    assert not (folder / "odd.binaryproto").exists()


def test_cifar(folder: Path) -> None:
    """Both data sets; the version for Python is refused."""
    (folder / "in").mkdir()
    record = np.zeros((2, 3074), np.uint8)
    for name in ("train.bin", "test.bin"):
        (folder / "in" / name).write_bytes(record.tobytes())
    for name in ("test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
        (folder / "in" / f"{name}.bin").write_bytes(record[:, 1:].tobytes())
    assert run("cifar10", "ten", "--from", "in")[0].splitlines() == [
        "ten/cifar10_train_lmdb: 10 images",
        "ten/cifar10_test_lmdb: 2 images",
        "ten/mean.binaryproto: the mean of the training images",
    ]
    assert "cifar100_test_lmdb: 2 images" in run("cifar100", "out", "--from", "in", "--coarse")[0]
    (folder / "pickled").mkdir()
    (folder / "pickled" / "cifar-100-python.tar.gz").touch()
    _, err = run("cifar100", "x", "--from", "pickled", code=1)
    assert "take the binary version" in err


def test_show(folder: Path) -> None:
    """Text, and the sheet."""
    out, err = run("show", "odd_lmdb", "-o", "sheet.png")
    assert out.splitlines() == [
        "odd_lmdb: LMDB, 4 records",
        "sizes: 1 x 4 x 4",
        "kept as: bytes",
        "first keys: 00000000, 00000001, 00000002, 00000003",
        "labels: 3, from 0 to 2; 1 each",
        "  0 1 ########################################",
        "  1 1 ########################################",
        "  2 1 ########################################",
        "broken: 1; `netdef data verify` names them",
        "sheet.png: 4 images",
    ]
    assert err == ""
    with Image.open("sheet.png") as sheet:
        assert sheet.size == (216, 252)
    found = json.loads(run("show", "odd_lmdb", "--json", "--max", "2", "-o", "sheet.png")[0])
    assert (found["records"], found["examined"], found["labels"]) == (4, 2, {"0": 1, "1": 1})


def test_show_many_sizes_and_labels(folder: Path) -> None:
    """Long lists are cut."""
    with LmdbWriter(folder / "many_lmdb") as writer:
        for number in range(30):
            datum = from_pixels(np.zeros((1, 1, number + 1), np.uint8), number)
            writer.put(b"%08d" % number, datum.SerializeToString())
    lines = run("show", "many_lmdb")[0].splitlines()
    assert lines[1:3] == ["sizes: 30 different", "  1 x 1 x 1: 1, the first is 00000000"]
    assert "  and 20 more" in lines
    assert lines[-1] == "labels: 30, from 0 to 29; 1 each"


def test_a_list_is_shown_with_its_root(folder: Path) -> None:
    """--root is for lists."""
    out, _ = run("show", "list.txt", "--root", "photos", "-o", "sheet.png", "--count", "3")
    assert out.startswith("list.txt: list of images, 7 records\nsizes: 3 x 20 x 30\nkept as: png\n")
    assert out.endswith("sheet.png: 3 images\n")


def test_no_images_to_draw(folder: Path) -> None:
    """Rows of numbers are shown, but not drawn."""
    import h5py

    with h5py.File("x.h5", "w") as file:
        file["data"] = np.zeros((4, 5))
    out, err = run("show", "x.h5", "-o", "sheet.png", code=1)
    assert "sizes: data 5" in out
    assert "x.h5 holds no images to draw" in err
    assert not (folder / "sheet.png").exists()


def test_verify(folder: Path) -> None:
    """Faults first, then what is there; exit code 1 when there is a fault."""
    out, err = run("verify", "odd_lmdb", "--classes", "2", code=1)
    lines = out.splitlines()
    assert lines[:3] == [
        "error[bad-label]: record `00000002` of odd_lmdb has label 2; "
        "there are 2 classes, from 0 on",
        "error[damaged-record]: record `00000003` of odd_lmdb is not a Datum",
        "odd_lmdb: LMDB, 4 records",
    ]
    assert (lines[-1], err) == ("broken: 2", "")
    found = json.loads(run("verify", "odd_lmdb", "--json", code=1)[0])
    assert found["broken"] == [
        {
            "key": "00000003",
            "rule": "damaged-record",
            "message": "record `00000003` of odd_lmdb is not a Datum",
        }
    ]
    run("images", "list.txt", "-o", "db", "--root", "photos")
    out, _ = run("verify", "db", "--classes", "3")
    assert out.endswith("nothing is broken\n")
    _, err = run("verify", "nowhere", code=1)
    assert err == "error[missing-source]: nowhere is not there\n"
