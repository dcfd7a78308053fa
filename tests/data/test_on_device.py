"""Images kept and transformed on a device: bit for bit what the CPU makes of them.

A device can be the CPU itself, so everything but the copy is tested everywhere.
"""

import numpy as np
import pytest
import torch

from netdef.data.faults import DataFault
from netdef.data.on_device import DeviceImages, DeviceTransformer
from netdef.data.randomness import draw
from netdef.data.transformer import Transformer

CPU = torch.device("cpu")
DEVICES = [
    CPU,
    pytest.param(
        torch.device("cuda"),
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
        ],
    ),
]
WORDS = draw(seed=5, stream="test", start=0, count=9)
IMAGES = np.random.RandomState(0).randint(0, 256, (9, 3, 8, 10), np.uint8)
MEANS = {
    "none": None,
    "one": np.full((1, 1, 1), 100, np.float32),
    "channels": np.array([104, 117, 123], np.float32)[:, None, None],
    "image": np.random.RandomState(1).uniform(0, 255, (3, 8, 10)).astype(np.float32),
}


@pytest.mark.parametrize("device", DEVICES, ids=str)
@pytest.mark.parametrize("mean", MEANS.values(), ids=MEANS)
@pytest.mark.parametrize("crop", [None, (5, 6), (8, 10)], ids=["whole", "5x6", "8x10"])
@pytest.mark.parametrize("train", [False, True], ids=["TEST", "TRAIN"])
@pytest.mark.parametrize("mirror", [False, True], ids=["straight", "mirror"])
def test_the_same_numbers(device, mean, crop, train, mirror):
    transformer = Transformer(0.3, mirror, crop, mean, train)
    for images in (IMAGES, IMAGES.astype(np.float32) / 7):
        out = DeviceTransformer(transformer, device)(images, WORDS)
        assert out.dtype == torch.float32
        assert out.device.type == device.type
        np.testing.assert_array_equal(out.cpu().numpy(), transformer(images, WORDS))


def test_a_crop_that_does_not_fit():
    with pytest.raises(DataFault, match="a crop of 9 x 9"):
        DeviceTransformer(Transformer(crop=(9, 9)), CPU)(IMAGES, WORDS)


def test_what_is_kept_is_found():
    kept = DeviceImages(9, DeviceTransformer(Transformer(), CPU))
    labels = np.arange(9, dtype=np.float32)
    kept.keep(np.array([0, 1, 2]), IMAGES[:3], labels[:3])
    assert kept.find(np.array([2, 3])) is None
    kept.keep(np.array([3, 13]), IMAGES[3:5], labels[3:5])
    images, found = kept.find(np.array([12, 4, 0]))  # round the end
    np.testing.assert_array_equal(images.numpy(), IMAGES[[3, 4, 0]])
    np.testing.assert_array_equal(found, labels[[3, 4, 0]])


@pytest.mark.parametrize(
    "second", [IMAGES[:2, :, :4], IMAGES[:2].astype(np.float32)], ids=["shape", "type"]
)
def test_images_of_several_kinds_are_not_kept(second):
    kept = DeviceImages(9, DeviceTransformer(Transformer(), CPU))
    numbers, labels = np.array([0, 1]), np.zeros(2, np.float32)
    kept.keep(numbers, IMAGES[:2], labels)
    kept.keep(numbers, second, labels)
    kept.keep(numbers, IMAGES[:2], labels)
    assert kept.find(numbers) is None


def test_too_many_are_not_kept():
    kept = DeviceImages(9, DeviceTransformer(Transformer(), CPU), limit=IMAGES[0].nbytes * 8)
    kept.keep(np.array([0]), IMAGES[:1], np.zeros(1, np.float32))
    assert kept.find(np.array([0])) is None
