"""Images per second of decoding and transforming: netdef's batches against a torch DataLoader.

    python tools/bench/data.py
    python tools/bench/data.py --images 2000 --pairs 9

Both read the same JPEG files of 256 x 256 with Pillow, cut 227 x 227 at random, mirror at random,
subtract a mean per channel and put 64 into a batch, on two cores: the DataLoader with two worker
processes that stay (or, with --workers 0, none), netdef with its threads. Passes over all files
alternate; the ratio is the median over the pairs. Nothing is kept in memory between passes, except
with --kept, which shows what a small source gains.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import netdef
from netdef.data import kept_images

SIDE, CROP, BATCH = 256, 227, 64
MEAN = (104.0, 117.0, 123.0)
NET = f"""layer {{ name: "data" type: "ImageData" top: "data" top: "label"
  image_data_param {{ source: "list.txt" batch_size: {BATCH} shuffle: true }}
  transform_param {{ crop_size: {CROP} mirror: true mean_value: {list(MEAN)} }} }}"""


class Files(Dataset[tuple[torch.Tensor, int]]):
    """The files, as one would write it by hand."""

    def __init__(self, count: int) -> None:
        self.names = [f"{i}.jpg" for i in range(count)]
        self.mean = np.array(MEAN, np.float32)[:, None, None]

    def __len__(self) -> int:
        """Number of files."""
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """Return one image, (3, CROP, CROP) of float32, and its label."""
        with Image.open(self.names[index]) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        row, column, flip = torch.randint(0, SIDE - CROP + 1, (3,)).tolist()
        cut = pixels[row : row + CROP, column : column + CROP, ::-1]
        if flip % 2:
            cut = cut[:, ::-1]
        return torch.from_numpy(cut.transpose(2, 0, 1) - self.mean), index % 10


def make_files(count: int) -> None:
    """Write images with as much detail as photographs have, and their list."""
    draw = np.random.default_rng(0)
    for i in range(count):
        rough = Image.fromarray(draw.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        smooth = np.asarray(rough.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float64)
        noisy = np.clip(smooth + draw.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(f"{i}.jpg", quality=85)
    Path("list.txt").write_text("".join(f"{i}.jpg {i % 10}\n" for i in range(count)))


def ours(count: int) -> Callable[[], int]:
    """Return a function that goes once through the files with netdef."""
    Path("net.prototxt").write_text(NET)
    batches = netdef.batches(netdef.load("net.prototxt", phase="TRAIN"))
    return lambda: sum(len(batch["data"]) for batch in islice(batches, count // BATCH))


def theirs(count: int, workers: int) -> Callable[[], int]:
    """Return a function that goes once through the files with a DataLoader."""
    loader = DataLoader(
        Files(count),
        BATCH,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    return lambda: sum(len(images) for images, _ in loader)


def main() -> None:
    """Print a JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--workers", type=int, default=2, help="of the DataLoader")
    parser.add_argument("--kept", action="store_true", help="let netdef keep what it decoded")
    arguments = parser.parse_args()
    os.chdir(tempfile.mkdtemp())
    make_files(arguments.images)
    if not arguments.kept:
        kept_images.KeptImages.__init__.__defaults__ = (0,)
    passes = {
        "netdef": ours(arguments.images),
        "loader": theirs(arguments.images, arguments.workers),
    }
    for run in passes.values():
        run()
    rates: dict[str, list[float]] = {key: [] for key in passes}
    for pair in range(arguments.pairs):
        for key in list(passes) if pair % 2 == 0 else list(reversed(passes)):
            start = time.perf_counter()
            rates[key].append(passes[key]() / (time.perf_counter() - start))
    ratios = [a / b for a, b in zip(rates["netdef"], rates["loader"], strict=True)]
    found = {
        "images": arguments.images,
        "pairs": arguments.pairs,
        "cores": len(os.sched_getaffinity(0)),
        "images_per_second": {key: statistics.median(v) for key, v in rates.items()},
        "ratio": statistics.median(ratios),
        "quartiles": statistics.quantiles(ratios, n=4),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
