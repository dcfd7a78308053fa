"""Batches of whole nets: resuming, several layers, and every way data can be wrong."""

from io import BytesIO
from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image

from netdef.data.loader import batches
from netdef.ir import Net
from netdef.schema import pb
from netdef.source import NetdefError, SourceFile
from netdef.source.render_text import render_text

DATA = """layer {{
  name: "{name}" type: "Data" top: "{name}" top: "{name}_label"
  data_param {{ source: "images_lmdb" batch_size: {size} backend: LMDB {more} }}
  transform_param {{ {transform} }}
}}
"""
ENCODED_COLOR = "force_encoded_color: true"
RANDOM = "crop_size: 5 mirror: true mean_value: 100 scale: 0.01"


def data(name="d", size=3, transform="", more=""):
    return DATA.format(name=name, size=size, transform=transform, more=more)


def hdf5(shuffle="false"):
    return (
        'layer {\n  name: "h" type: "HDF5Data" top: "x" top: "y"\n'
        f'  hdf5_data_param {{ source: "files.txt" batch_size: 4 shuffle: {shuffle} }}\n}}\n'
    )


@pytest.fixture
def sources(images, lmdb_of, hdf5_of):
    lmdb_of(images)
    x = np.arange(22).reshape(11, 2)
    hdf5_of({"x": x[:6], "y": x[:6, 0]}, {"x": x[6:], "y": x[6:, 0]})


def take(net: Net, count: int, **options) -> list[dict[str, np.ndarray]]:
    iterator = batches(net, **options)
    taken = [{k: v.numpy().copy() for k, v in b.items()} for b in islice(iterator, count)]
    iterator.close()
    return taken


def assert_same(some, others):
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        assert list(one) == list(other)
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name])


def test_records_wrap_around(images, sources, load):
    taken = take(load(data(size=3)), 5)
    order = np.arange(15) % 7
    np.testing.assert_array_equal(np.concatenate([b["d"] for b in taken]), images[order])
    np.testing.assert_array_equal(np.concatenate([b["d_label"] for b in taken]), order)
    assert {v.dtype for b in taken for v in b.values()} == {np.dtype(np.float32)}


def test_a_batch_may_be_larger_than_the_source(images, sources, load):
    (batch,) = take(load(data(size=16)), 1)
    np.testing.assert_array_equal(batch["d"], images[np.arange(16) % 7])


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_resuming_gives_the_same_batches(sources, load, phase):
    net = load(data(transform=RANDOM, more="rand_skip: 5") + hdf5("true"), phase)
    whole = take(net, 20, seed=9)
    first = batches(net, seed=9)
    for done in range(20):
        assert first.cursor == 3 * done
        assert_same(take(net, 2, seed=9, start=first.cursor)[:1], whole[done : done + 1])
        next(first)


def test_several_layers_have_each_its_own_batch_size(images, sources, load):
    net = load(data("a", 2) + data("b", 5) + hdf5())
    whole = take(net, 6)
    assert [b["a_label"].tolist() for b in whole[:4]] == [[0, 1], [2, 3], [4, 5], [6, 0]]
    assert [b["b_label"].tolist() for b in whole[:2]] == [[0, 1, 2, 3, 4], [5, 6, 0, 1, 2]]
    assert [b["y"].tolist() for b in whole[:3]] == [[0, 2, 4, 6], [8, 10, 12, 14], [16, 18, 20, 0]]
    assert_same(take(net, 3, start=2 * 3), whole[3:])


def test_each_layer_draws_its_own_random_numbers(sources, load):
    (batch,) = take(load(data("a", 7, RANDOM) + data("b", 7, RANDOM), "TRAIN"), 1)
    assert (batch["a"] != batch["b"]).any()


def test_randomness_follows_the_seed_and_goes_on_in_later_passes(sources, load):
    net = load(data(size=7, transform=RANDOM), "TRAIN")
    one, two = take(net, 2, seed=1)
    assert_same(take(net, 2, seed=1), [one, two])
    assert (take(net, 1, seed=2)[0]["d"] != one["d"]).any()
    assert (one["d"] != two["d"]).any()  # the same seven records, in two passes


@pytest.mark.parametrize("seed", [-1, 0, 2**63 + 5, 2**70])
def test_any_integer_is_a_seed(sources, load, seed):
    net = load(data(transform=RANDOM), "TRAIN")
    assert_same(take(net, 1, seed=seed), take(net, 1, seed=seed))


def test_rand_skip_starts_later(sources, load):
    starts = set()
    for seed in range(40):
        labels = take(load(data(size=7, more="rand_skip: 4")), 1, seed=seed)[0]["d_label"]
        assert labels.tolist() == [(labels[0] + i) % 7 for i in range(7)]
        starts.add(int(labels[0]))
    assert starts == {0, 1, 2, 3}


def test_images_alone(sources, load):
    (batch,) = take(load(data().replace('top: "d_label"', "")), 1)
    assert list(batch) == ["d"]


def test_image_files(lmdb_of, load):
    colours = np.random.RandomState(2).randint(0, 256, (4, 6, 5, 3)).astype(np.uint8)
    records = []
    for label, colour in enumerate(colours):
        file = BytesIO()
        Image.fromarray(colour).save(file, "PNG")
        records.append(pb.Datum(data=file.getvalue(), encoded=True, label=label))
    lmdb_of(records)
    net = load(data(size=4, transform="scale: 0.5"))
    assert net.blobs["d"].shape == (4, 3, 6, 5)
    (batch,) = take(net, 1)
    np.testing.assert_array_equal(batch["d"], colours[..., ::-1].transpose(0, 3, 1, 2) * 0.5)
    assert batch["d_label"].tolist() == [0, 1, 2, 3]
    gray = take(load(data(size=4, transform="force_gray: true")), 1)[0]["d"]
    expected = [np.asarray(Image.fromarray(colour).convert("L"))[None] for colour in colours]
    np.testing.assert_array_equal(gray, expected)
    for text in (data(size=4, transform="force_color: true"), data(size=4, more=ENCODED_COLOR)):
        np.testing.assert_array_equal(take(load(text), 1)[0]["d"], batch["d"] * 2)


def test_bytes_floats_and_image_files_in_one_batch(lmdb_of, load):
    file = BytesIO()
    Image.fromarray(np.full((2, 2), 9, np.uint8)).save(file, "PNG")
    size = {"channels": 1, "height": 2, "width": 2}
    lmdb_of(
        [
            pb.Datum(data=b"abcd", **size),
            pb.Datum(float_data=[0.5, 1, 1.5, 2], **size),
            pb.Datum(data=file.getvalue(), encoded=True),
        ]
    )
    (batch,) = take(load(data(size=3)), 1)
    assert batch["d"].reshape(3, 4).tolist() == [[97, 98, 99, 100], [0.5, 1, 1.5, 2], [9] * 4]


def test_sizes_may_change_from_batch_to_batch(images, lmdb_of, load):
    lmdb_of([images[0], images[1][:, :4], images[2]])
    shapes = [b["d"].shape for b in take(load(data(size=1)), 3)]
    assert shapes == [(1, 3, 8, 10), (1, 3, 4, 10), (1, 3, 8, 10)]


def test_tensors_go_to_the_device(sources, load):
    batch = next(batches(load(data()), device="meta"))
    assert batch["d"].device == torch.device("meta")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_tensors_go_to_a_gpu_as_they_are(sources, load):
    net = load(data(transform=RANDOM), "TRAIN")
    for here, there in islice(zip(batches(net), batches(net, device="cuda"), strict=True), 5):
        assert there["d"].is_cuda
        assert torch.equal(here["d"], there["d"].cpu())


def test_inputs_are_left_to_the_caller(sources, load):
    text = 'layer { name: "i" type: "Input" top: "i" input_param { shape { dim: 1 } } }'
    (batch,) = take(load(text + data()), 1)
    assert list(batch) == ["d", "d_label"]
    with pytest.raises(NetdefError, match="the net has no data layer in phase TEST"):
        batches(load(text))


def test_dummy_data_fills_itself(load):
    dummy = 'layer { name: "z" type: "DummyData" top: "z" dummy_data_param { shape { dim: 1 } } }'
    iterator = batches(load(dummy))
    assert (next(iterator), next(iterator), iterator.cursor) == ({}, {}, 2)


def test_a_type_that_cannot_be_read(load, sources):
    net = load(data())
    layer = net.layers[0].replace(type="VideoData")
    with pytest.raises(NetdefError) as raised:
        batches(net.replace(layers=(layer,)))
    (found,) = raised.value.diagnostics
    assert (found.rule, found.note) == (
        "unsupported",
        "these can: Data, HDF5Data, ImageData, WindowData",
    )
    assert found.message == "data layers of type VideoData cannot be read"
    assert (found.span.line, found.span.text) == (2, '"Data"')


def test_missing_sources_are_all_listed(load, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = load(data() + hdf5() + data("n").replace("images_lmdb", "/far/away_lmdb"))
    with pytest.raises(NetdefError) as raised:
        batches(net)
    text = render_text(raised.value.diagnostics).replace(str(tmp_path), "FOLDER")
    assert text == (
        "FOLDER/net.prototxt:3:24: error[missing-source]: the database `images_lmdb` is not there\n"
        ' 3 |   data_param { source: "images_lmdb" batch_size: 3 backend: LMDB  }\n'
        "   |                        ^^^^^^^^^^^^^\n"
        "   = help: looked in the working folder FOLDER and in each folder above it\n"
        "FOLDER/net.prototxt:8:29: error[missing-source]:"
        " the list of HDF5 files `files.txt` is not there\n"
        ' 8 |   hdf5_data_param { source: "files.txt" batch_size: 4 shuffle: false }\n'
        "   |                             ^^^^^^^^^^^\n"
        "   = help: looked in the working folder FOLDER and in each folder above it\n"
        "FOLDER/net.prototxt:12:24: error[missing-source]:"
        " the database `/far/away_lmdb` is not there\n"
        ' 12 |   data_param { source: "/far/away_lmdb" batch_size: 3 backend: LMDB  }\n'
        "    |                        ^^^^^^^^^^^^^^^^\n"
        "    = help: looked for exactly this path, then for `away_lmdb`"
        " beside the file that names it\n"
    )


def test_a_net_that_is_only_drawn_cannot_be_fed(load):
    text = 'layer { name: "d" type: "Data" top: "d" input_param { shape { dim: 1 } } }'
    with pytest.raises(NetdefError, match="the database is not given") as raised:
        batches(load(text))
    assert raised.value.diagnostics[0].rule == "missing-field"
    assert raised.value.diagnostics[0].span.text == '"d"'


def test_a_damaged_record_is_named(images, lmdb_of, load, tmp_path):
    broken = pb.Datum(channels=3, height=8, width=10, data=b"short")
    lmdb_of([images[0], images[1], images[2], images[3], broken, images[5]])
    iterator = batches(load(data(size=2)))
    assert [next(iterator)["d_label"].tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    for _ in range(2):  # asking again does not step over it
        with pytest.raises(NetdefError) as raised:
            next(iterator)
        assert iterator.cursor == 4
    (found,) = raised.value.diagnostics
    assert found.rule == "damaged-record"
    assert found.message == (
        f"record `00000004` of {tmp_path / 'images_lmdb'} has 5 values,"
        " but its sizes say 3 x 8 x 10 = 240"
    )
    assert (found.span.line, found.span.column) == (3, 24)


def test_a_damaged_image_file_is_named(lmdb_of, load):
    file = BytesIO()
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(file, "PNG")
    good = pb.Datum(data=file.getvalue(), encoded=True)
    lmdb_of([good, pb.Datum(data=b"no image", encoded=True)])
    with pytest.raises(NetdefError, match=r"record `00000001` of .* holds no image"):
        take(load(data(size=2)), 1)


def test_images_of_several_sizes_in_one_batch(images, lmdb_of, load):
    lmdb_of([images[0], images[1][:, :4]])
    with pytest.raises(NetdefError, match="holds images of 3 x 8 x 10 and of 3 x 4 x 10"):
        take(load(data(size=2)), 1)
    (batch,) = take(load(data(size=2, transform="crop_size: 4")), 1)
    np.testing.assert_array_equal(batch["d"], [images[0][:, 2:6, 3:7], images[1][:, :4, 3:7]])


def test_a_net_without_a_file(sources, load, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = load(data()).replace(file=None)
    assert next(batches(net))["d_label"].tolist() == [0, 1, 2]
    layer = net.layers[0].replace(node=None)
    layer.message.data_param.source = "gone"
    with pytest.raises(NetdefError) as raised:
        batches(net.replace(layers=(layer,), file=SourceFile("<text>", "")))
    assert raised.value.diagnostics[0].span is None


@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_a_device_makes_the_same_batches(sources, load, phase):
    """Read, then kept there: over several passes."""
    net = load(data(transform=RANDOM, more="rand_skip: 5") + hdf5("true"), phase)
    expected = take(net, 12, seed=4)
    iterator = batches(net, seed=4)
    for _, feed in iterator._feeds:
        feed.place(torch.device("cpu"))  # as the loader does for a GPU
    taken = [{k: v.numpy().copy() for k, v in b.items()} for b in islice(iterator, 12)]
    iterator.close()
    assert_same(taken, expected)
