"""A stopwatch for a CPU, and for a GPU, which works on after a call has returned."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

Spans = dict[tuple[str, str], float]
"""Milliseconds by what was done and by which layer; "" for all of them."""


class Stopwatch:
    """Measures spans of work; what they took is known after `read`."""

    def __init__(self, device: torch.device) -> None:
        """Measure work on a device."""
        self._device = device
        self._spans: list[tuple[tuple[str, str], Any, Any]] = []

    @contextmanager
    def measure(self, what: str, layer: str = "") -> Iterator[None]:
        """Measure what the block does; several spans of one layer add up."""
        start = self._now()
        yield
        self._spans.append(((what, layer), start, self._now()))

    def read(self) -> Spans:
        """Return what was measured since the last reading, and start afresh."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        taken: Spans = {}
        for span, start, end in self._spans:
            taken[span] = taken.get(span, 0.0) + self._between(start, end)
        self._spans.clear()
        return taken

    def _now(self) -> Any:
        if self._device.type != "cuda":
            return time.perf_counter()
        # In the order of the GPU's own work: it takes the time when it comes to it.
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event

    @staticmethod
    def _between(start: Any, end: Any) -> float:
        if isinstance(start, float):
            return (end - start) * 1e3
        return start.elapsed_time(end)
