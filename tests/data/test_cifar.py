"""CIFAR in small, from folders and archives, and what is no CIFAR or a damaged one."""

import gzip
import io
import os
import tarfile

import numpy as np
import pytest

from netdef.data.cifar import write_cifar10, write_cifar100
from netdef.data.datum import parse, stack
from netdef.data.lmdb_source import LmdbSource
from netdef.source import NetdefError
from netdef.weights.binaryproto import read_mean

COUNT = 4
NAMES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
IMAGES = np.random.RandomState(0).randint(0, 256, (6, COUNT, 3, 32, 32)).astype(np.uint8)
LABELS = np.random.RandomState(1).randint(0, 10, (6, COUNT)).astype(np.uint8)


def records(images: np.ndarray, *labels: np.ndarray) -> bytes:
    columns = [label.reshape(-1, 1) for label in labels]
    return np.hstack([*columns, images.reshape(len(images), -1)]).tobytes()


FILES = {
    name: records(*part) for name, part in zip(NAMES, zip(IMAGES, LABELS, strict=True), strict=True)
}
FILES100 = {
    "train.bin": records(IMAGES[0], LABELS[0], LABELS[0] + 80),
    "test.bin": records(IMAGES[1], LABELS[1], LABELS[1] + 80),
}


def put(folder, files) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def pack(path, files, inside="cifar-10-batches-bin/", change=None) -> None:
    """Write an archive, the files in any order; `change` may spoil the header of each."""
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo(inside + "readme.html"), io.BytesIO())
        for name, content in reversed(files.items()):
            member = tarfile.TarInfo(inside + name)
            member.size = len(content)
            if change:
                change(member)
            archive.addfile(member, io.BytesIO(content))


def check(counts, folder) -> None:
    """The databases are those of Caffe's example."""
    assert counts == {folder / "cifar10_train_lmdb": 20, folder / "cifar10_test_lmdb": 4}
    parts = (IMAGES[:5], LABELS[:5]), (IMAGES[5:], LABELS[5:])
    for (path, count), (images, labels) in zip(counts.items(), parts, strict=True):
        read = LmdbSource(path).read(0, count)
        assert [key for key, _ in read] == [b"%05d" % i for i in range(count)]
        datums = [parse(value) for _, value in read]
        np.testing.assert_array_equal(stack(datums), images.reshape(-1, 3, 32, 32))
        assert [datum.label for datum in datums] == labels.ravel().tolist()
    mean = read_mean(folder / "mean.binaryproto")
    np.testing.assert_allclose(mean, IMAGES[:5].mean(axis=(0, 1)), rtol=1e-6)


@pytest.mark.parametrize("inside", ["", "cifar-10-batches-bin"])
def test_from_files(tmp_path, inside):
    put(tmp_path / "in" / inside, FILES)
    check(write_cifar10(tmp_path / "out", tmp_path / "in"), tmp_path / "out")


@pytest.mark.parametrize("name", ["", "cifar-10-binary.tar.gz"])
def test_from_the_archive(tmp_path, name):
    pack(tmp_path / "cifar-10-binary.tar.gz", FILES)
    check(write_cifar10(tmp_path / "out", tmp_path / name), tmp_path / "out")
    # Nothing was unpacked beside it.
    assert sorted(os.listdir(tmp_path)) == ["cifar-10-binary.tar.gz", "out"]


def test_an_archive_that_is_not_compressed(tmp_path):
    pack(tmp_path / "packed", FILES)
    (tmp_path / "plain.tar").write_bytes(gzip.decompress((tmp_path / "packed").read_bytes()))
    check(write_cifar10(tmp_path / "out", tmp_path / "plain.tar"), tmp_path / "out")


@pytest.mark.parametrize(("coarse", "more"), [(False, 80), (True, 0)])
def test_cifar100(tmp_path, coarse, more):
    put(tmp_path / "in" / "cifar-100-binary", FILES100)
    counts = write_cifar100(tmp_path, tmp_path / "in", coarse)
    assert counts == {tmp_path / "cifar100_train_lmdb": 4, tmp_path / "cifar100_test_lmdb": 4}
    for path, part in zip(counts, (0, 1), strict=True):
        datums = [parse(value) for _, value in LmdbSource(path).read(0, 4)]
        np.testing.assert_array_equal(stack(datums), IMAGES[part])
        assert [datum.label for datum in datums] == (LABELS[part] + more).tolist()
    mean = read_mean(tmp_path / "mean.binaryproto")
    np.testing.assert_allclose(mean, IMAGES[0].mean(axis=0), rtol=1e-6)


def refused(tmp_path, source="in") -> str:
    """Convert; return the message and the note, and make sure that nothing is left behind."""
    with pytest.raises(NetdefError) as raised:
        write_cifar10(tmp_path / "out", tmp_path / source)
    assert not (tmp_path / "out").exists()
    (fault,) = raised.value.diagnostics
    return f"{fault.rule}: {fault.message}; {fault.note}"


ADVICE = "take the binary version, https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"


@pytest.mark.parametrize("name", ["cifar-10-python.tar.gz", "cifar-10-batches-py", "data_batch_1"])
@pytest.mark.parametrize("direct", [False, True])
def test_the_version_for_python_is_refused(tmp_path, name, direct):
    if name.endswith("-py"):
        put(tmp_path / "in" / name, {"data_batch_1": b"cos\nsystem\n"})
    else:
        put(tmp_path / "in", {name: b"cos\nsystem\n"})
    text = refused(tmp_path, f"in/{name}" if direct else "in")
    assert text.startswith("unsupported: ") and "which is pickled" in text and ADVICE in text


def test_a_renamed_archive_for_python(tmp_path):
    put(tmp_path / "in", {})
    files = {name.removesuffix(".bin"): b"x" for name in NAMES}
    pack(tmp_path / "in" / "cifar-10-binary.tar.gz", files)
    text = refused(tmp_path)
    assert "has no data_batch_1.bin; it has data_batch_1, data_batch_2" in text


def test_nothing_there(tmp_path):
    put(tmp_path / "in", {})
    text = refused(tmp_path)
    assert "holds neither cifar-10-binary.tar.gz nor cifar-10-batches-bin" in text
    assert ADVICE in text


def test_a_missing_file(tmp_path):
    put(tmp_path / "in", {name: FILES[name] for name in NAMES if name != "data_batch_3.bin"})
    assert "in has no data_batch_3.bin; the data set is 6 files" in refused(tmp_path)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            FILES["data_batch_2.bin"][:-1],
            "has 12,291 bytes, which is not a number of records of 3,0",
        ),
        (FILES["data_batch_2.bin"][:-3073], "has 3 records, another file 4"),
        (b"", "has 0 bytes"),
        (b"\x0a" + FILES["data_batch_2.bin"][1:], "has label 10; there are 10 classes"),
    ],
    ids=["cut", "record missing", "empty", "label"],
)
def test_files_that_make_no_sense(tmp_path, content, message, packed):
    files = {**FILES, "data_batch_2.bin": content}
    put(tmp_path / "in", {} if packed else files)
    if packed:
        pack(tmp_path / "in" / "cifar-10-binary.tar.gz", files)
    text = refused(tmp_path)
    assert text.startswith("bad-archive: ") and message in text and "data_batch_2.bin" in text


@pytest.mark.parametrize("keep", [1, 100, 5000, -100, -5])
def test_archives_that_are_cut_short(tmp_path, keep):
    put(tmp_path / "in", {})
    path = tmp_path / "in" / "cifar-10-binary.tar.gz"
    pack(path, FILES)
    path.write_bytes(path.read_bytes()[:keep])
    text = refused(tmp_path)
    assert text.startswith("bad-archive: ") and "cifar-10-binary.tar.gz" in text


def test_an_archive_with_flipped_bits(tmp_path):
    put(tmp_path / "in", {})
    path = tmp_path / "in" / "cifar-10-binary.tar.gz"
    pack(path, FILES)
    whole = path.read_bytes()
    for at in range(60, len(whole), len(whole) // 25):  # behind the name in gzip's header
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        assert refused(tmp_path).startswith("bad-archive: ")


def test_members_that_are_links_or_lie_elsewhere(tmp_path):
    """A name is never a path: neither written to nor read from."""
    put(tmp_path / "in", {})
    path = tmp_path / "in" / "cifar-10-binary.tar.gz"

    def link(member: tarfile.TarInfo) -> None:
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"

    pack(path, FILES, change=link)
    assert "has no data_batch_1.bin" in refused(tmp_path)
    pack(path, FILES, inside="../../../../escaped/")
    check(write_cifar10(tmp_path / "out", path), tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["in", "out"]


def test_headers_that_claim_absurd_sizes(tmp_path):
    put(tmp_path / "in", {})
    path = tmp_path / "in" / "cifar-10-binary.tar.gz"
    for kind, message in (
        (tarfile.REGTYPE, "holds more than such an archive does"),
        (tarfile.XHDTYPE, "a header claims an absurd size"),
        (tarfile.GNUTYPE_LONGNAME, "a header claims an absurd size"),
    ):
        member = tarfile.TarInfo("data_batch_1.bin")
        member.type, member.size = kind, 2**33 - 1
        path.write_bytes(gzip.compress(member.tobuf(tarfile.USTAR_FORMAT)))
        assert message in refused(tmp_path)


def test_an_archive_of_very_many_members(tmp_path):
    put(tmp_path / "in", {})
    many = {f"{number}": b"" for number in range(200)}
    pack(tmp_path / "in" / "cifar-10-binary.tar.gz", many)
    assert "holds more than such an archive does" in refused(tmp_path)


def test_nothing_is_replaced_unasked(tmp_path):
    put(tmp_path / "in", FILES)
    (tmp_path / "mean.binaryproto").write_bytes(b"mine")
    with pytest.raises(NetdefError, match=r"mean\.binaryproto is there already"):
        write_cifar10(tmp_path, tmp_path / "in")
    assert sorted(os.listdir(tmp_path)) == ["in", "mean.binaryproto"]
    check(write_cifar10(tmp_path, tmp_path / "in", force=True), tmp_path)
    with pytest.raises(NetdefError, match="cifar10_train_lmdb is there already"):
        write_cifar10(tmp_path, tmp_path / "in")
