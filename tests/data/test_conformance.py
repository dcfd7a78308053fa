"""What the reference's Data layer yields in phase TEST: five batches per case."""

from pathlib import Path

import numpy as np
import pytest

from netdef.data.loader import batches
from netdef.data.probe import prober
from netdef.passes.pipeline import Request, load_net
from netdef.source import SourceFile

FOLDER = Path(__file__).parent / "conformance"
CASES = sorted(FOLDER.glob("*.npz"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_five_batches(case):
    recorded = np.load(case)
    file = SourceFile(str(FOLDER / "net.prototxt"), str(recorded["prototxt"]))
    net = load_net(file, "TEST", Request(probe=prober(file.path)))
    assert net.diagnostics == ()
    data = batches(net)
    for images, labels in zip(recorded["data"], recorded["label"], strict=True):
        batch = next(data)
        assert list(batch) == ["data", "label"]
        assert tuple(batch["data"].shape) == images.shape == net.blobs["data"].shape
        assert tuple(batch["label"].shape) == labels.shape == net.blobs["label"].shape
        np.testing.assert_allclose(batch["data"].numpy(), images, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(batch["label"].numpy(), labels)
    data.close()


def test_there_are_six_cases():
    assert len(CASES) == 6
