"""Damaged records: the run ends and names them, or the next good record stands in."""

from io import BytesIO
from itertools import islice

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import netdef
from netdef.cli import main
from netdef.data.bad_records import BadRecords
from netdef.data.loader import batches
from netdef.data.probe import prober
from netdef.data.share import Share
from netdef.passes.pipeline import Request, load_net
from netdef.schema import pb
from netdef.source import NetdefError, SourceFile
from netdef.training.events import Listener

TEXT = """layer {
  name: "d" type: "Data" top: "d" top: "label"
  data_param { source: "images_lmdb" batch_size: 4 backend: LMDB }
  transform_param { mirror: true }
}
"""
SHORT = pb.Datum(channels=3, height=8, width=10, data=b"short")


def png(label: int, length: int | None = None) -> pb.Datum:
    """An image file, whole or cut off after `length` bytes."""
    file = BytesIO()
    Image.fromarray(np.full((8, 10, 3), label, np.uint8)).save(file, "PNG")
    return pb.Datum(data=file.getvalue()[:length], encoded=True, label=label)


def skip(told: list[str] | None = None) -> BadRecords:
    return BadRecords("skip", None if told is None else told.append)


def read(net, count, **options):
    iterator = batches(net, **options)
    taken = [{k: v.numpy().copy() for k, v in b.items()} for b in islice(iterator, count)]
    iterator.close()
    return taken


def labels(net, count, **options):
    return [batch["label"].astype(int).tolist() for batch in read(net, count, **options)]


@pytest.fixture
def some(images, lmdb_of, load):
    """Six records, of which 1 and the last are damaged."""
    lmdb_of([images[0], SHORT, *images[2:5], SHORT], range(6))
    return load(TEXT)


def test_the_next_good_one_stands_in(some):
    told: list[str] = []
    bad = skip(told)
    assert labels(some, 6, bad=bad) == [[0, 2, 2, 3], [4, 0, 0, 2], [2, 3, 4, 0]] * 2
    assert len(told) == bad.count == 2  # once each, in however many passes
    assert told[0].startswith("warning: record `00000001` of ")
    assert told[0].endswith("has 5 values, but its sizes say 3 x 8 x 10 = 240; skipped (1 so far)")
    assert told[1].startswith("warning: record `00000005` of ")


def test_resuming_and_sharing_read_the_same(some):
    whole = read(some, 12, bad=skip())
    for start in range(12):
        (one,) = read(some, 1, start=4 * start, bad=skip())
        for name, values in one.items():
            np.testing.assert_array_equal(values, whole[start][name])
    shares = [labels(some, 6, share=Share(rank, 2), bad=skip()) for rank in (0, 1)]
    together = [both for pair in zip(*shares, strict=True) for both in zip(*pair, strict=True)]
    assert np.ravel(together).tolist() == np.ravel(labels(some, 12, bad=skip())).tolist()


def test_every_kind_of_damage(images, lmdb_of, tmp_path):
    none = pb.Datum(encoded=True, data=b"no image")
    lmdb_of([b"\xff", none, b"", png(3, 45), png(4), images[0], png(6, 20)], range(7))
    path = str(tmp_path / "net.prototxt")
    with pytest.raises(NetdefError, match="record `00000000`"):
        load_net(SourceFile(path, TEXT), "TRAIN", Request(probe=prober(path)))
    bad = skip()
    net = load_net(SourceFile(path, TEXT), "TRAIN", Request(probe=prober(path, bad)))
    assert net.blobs["d"].shape == (4, 3, 8, 10)
    (one, two) = read(net, 2, bad=bad)
    assert one["label"].tolist() + two["label"].tolist() == [4, 4, 4, 4, 4, 5, 4, 4]
    assert {int(image.max()) for image in one["d"]} == {4}
    assert bad.count == 5


def test_a_run_that_is_to_stop_stops(some):
    for bad in (None, BadRecords(), BadRecords("stop")):
        with pytest.raises(NetdefError, match=r"record `00000001` of .*images_lmdb has 5 values"):
            labels(some, 1, bad=bad)


def test_no_record_is_good(images, lmdb_of, load, tmp_path):
    lmdb_of([images[0]])
    net = load(TEXT)
    lmdb_of([SHORT, SHORT], name="others_lmdb")
    (tmp_path / "images_lmdb/data.mdb").unlink()
    (tmp_path / "others_lmdb/data.mdb").rename(tmp_path / "images_lmdb/data.mdb")
    with pytest.raises(NetdefError, match=r"none of the 2 records of .* can be read"):
        labels(net, 1, bad=skip())
    path = str(tmp_path / "net.prototxt")
    with pytest.raises(NetdefError, match="record `00000000`"):
        load_net(SourceFile(path, TEXT), "TRAIN", Request(probe=prober(path, skip())))


def test_from_python(some, capsys):
    iterator = netdef.batches(some, on_bad_record="skip")
    assert next(iterator)["label"].tolist() == [0, 2, 2, 3]
    assert "record `00000001`" in capsys.readouterr().err
    with pytest.raises(ValueError, match="not one of"):
        netdef.batches(some, on_bad_record="never mind")


def test_training_goes_on(some, images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rest = (
        'layer { name: "fc" type: "InnerProduct" bottom: "d" top: "fc"'
        ' inner_product_param { num_output: 7 weight_filler { type: "xavier" } } }'
        ' layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" }'
    )
    (tmp_path / "net.prototxt").write_text(TEXT + rest)
    (tmp_path / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 1e-5 lr_policy: "fixed" random_seed: 1'
    )

    class Notices(Listener):
        def __init__(self):
            self.texts = []

        def noticed(self, text):
            self.texts.append(text)

    notices = Notices()
    one = netdef.Solver("solver.prototxt", on_bad_record="skip", listeners=[notices])
    one.step(6)
    assert ["`00000001`" in text or "`00000005`" in text for text in notices.texts] == [True] * 2
    _, state = one.snapshot()
    one.step(5)
    two = netdef.Solver("solver.prototxt", on_bad_record="skip")
    two.restore(state)
    two.step(5)
    for left, right in zip(one.params, two.params, strict=True):
        assert one.tensor_of(left).equal(two.tensor_of(right))
    with pytest.raises(NetdefError, match="record `00000001`"):
        netdef.Solver("solver.prototxt").step(1)
    arguments = ["train", "solver.prototxt", "--iterations", "6"]
    stopped = CliRunner().invoke(main, arguments)
    assert stopped.exit_code == 1
    assert "net.prototxt:3:24: error[damaged-record]: record `00000001` of" in stopped.output
    skipped = CliRunner().invoke(main, [*arguments, "--on-bad-record", "skip"])
    assert skipped.exit_code == 0, skipped.output
    assert skipped.output.count("warning: record `0000000") == 2
    assert "so far)" in skipped.output
