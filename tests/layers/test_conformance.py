"""Every layer type gives the numbers that were recorded from the reference implementation."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import netdef

CASES = sorted((Path(__file__).parent / "conformance").glob("*/*.npz"))
FORWARD, BACKWARD = 1e-5, 1e-4


class Comparison:
    """Compares as the recordings ask: the largest difference, relative to the largest value."""

    def __init__(self, record: Callable[[str, object], None]) -> None:
        self.record = record  # tools/conformance/report.py reads what is recorded

    def __call__(self, actual: torch.Tensor, expected: np.ndarray, bar: float) -> None:
        values = actual.detach().cpu().numpy()
        assert values.shape == expected.shape
        if expected.size:
            largest = max(1.0, float(np.abs(expected).max()))
            difference = float(np.abs(values - expected).max()) / largest
            self.record("forward" if bar == FORWARD else "backward", difference)
            assert difference <= bar


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_recorded_numbers(path: Path, record_property: Callable[[str, object], None]) -> None:
    """Forward, then backward from the recorded gradient (or from the objective)."""
    close = Comparison(record_property)
    record = np.load(path)
    keys = [k.split(":", 1) for k in record.files if ":" in k]
    net = netdef.loads(str(record["prototxt"]), phase=str(record["phase"]))
    exe = netdef.compile(net, device="cpu")
    for index in (int(k) for kind, k in keys if kind == "param"):
        with torch.no_grad():
            exe.params["t"][index].copy_(torch.from_numpy(record[f"param:{index}"]))
    feeds = {k: torch.from_numpy(record[f"in:{k}"]) for kind, k in keys if kind == "in"}
    wanted = {k: f"din:{k}" for kind, k in keys if kind == "din"}
    for name, feed in feeds.items():
        feed.requires_grad_(name in wanted or name.removesuffix("_raw") in wanted)

    tops = [k for kind, k in keys if kind == "out"]
    given = [k for kind, k in keys if kind == "dout"]
    objective, blobs = _run(exe, feeds, tops, bool(given))
    for name in tops:
        close(blobs[name], record[f"out:{name}"], FORWARD)
    for index in (int(k) for kind, k in keys if kind == "param_after"):
        close(exe.params["t"][index], record[f"param_after:{index}"], FORWARD)
    if not _ran_backward(record, exe):
        return

    if given:
        douts = [torch.from_numpy(record[f"dout:{k}"]) for k in given]
        objective = sum((blobs[k] * d).sum() for k, d in zip(given, douts, strict=True))
    if isinstance(objective, torch.Tensor) and objective.requires_grad:
        objective.backward()
    for name, key in wanted.items():
        feed = feeds.get(name, feeds.get(f"{name}_raw"))
        assert feed is not None
        gradient = feed.grad if feed.grad is not None else torch.zeros_like(feed)
        close(gradient, record[key], BACKWARD)
    for index in (int(k) for kind, k in keys if kind == "dparam"):
        gradient = exe.params["t"][index].grad
        assert gradient is not None
        close(gradient, record[f"dparam:{index}"], BACKWARD)


def _ran_backward(record: np.lib.npyio.NpzFile, exe: torch.nn.Module) -> bool:
    """Whether gradients were recorded, and computed: in nets that have a loss or force them."""
    gradients = [record[k] for k in record.files if k.startswith(("din:", "dparam:"))]
    if exe.net.losses or "force_backward: true" in str(record["prototxt"]):
        return bool(gradients)
    assert not any(gradient.any() for gradient in gradients)  # they were never written
    return False


def _run(
    exe: torch.nn.Module, feeds: dict[str, torch.Tensor], tops: list[str], given: bool
) -> tuple[torch.Tensor | float, dict[str, torch.Tensor]]:
    """Return the objective (0 where the gradient is given, or there is none) and the tops."""
    if given or not exe.net.losses:
        return 0.0, exe.run(feeds, tops)
    return exe.objective(feeds, tops)
