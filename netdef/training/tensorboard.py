"""Progress for TensorBoard: scalars, histograms, the net's drawing, the first layer's filters."""

from functools import partial
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from torch import Tensor

from netdef.ir import Param
from netdef.training.events import Evaluation, Listener, Progress
from netdef.training.filters import filter_grid, first_filters
from netdef.training.histogram import Histogram, histogram_of
from netdef.training.history import elements

if TYPE_CHECKING:
    from netdef.training.solver import Solver

_MOST_PIXELS = 64_000_000
"""Pixels up to which a drawing is taken apart and put together again in memory."""


def installed() -> bool:
    """Return whether the package is there that writes events."""
    return find_spec("tensorboard") is not None


class TensorBoard(Listener):
    """Writes events into a folder; use it as a context.

    Losses and rates come with each progress, scores with each test. At the first test net's turn
    come the histograms of all parameters and the filters, and in the iteration after it those of
    the gradients, which belong to the same parameters. A run that goes on in the same folder hides
    what was written before of the same iterations.
    """

    def __init__(self, folder: Path, solver: "Solver") -> None:
        """Write into `folder` about a solver that is about to begin, or to go on."""
        from torch.utils.tensorboard import SummaryWriter

        self._solver = solver
        self._writer = SummaryWriter(str(folder), purge_step=solver.iteration)
        self._filters = first_filters(solver.params)
        self._hooks: list[Any] = []
        self._gradients: dict[str, Histogram | None] = {}

    def __enter__(self) -> "TensorBoard":
        """Return itself."""
        return self

    def __exit__(self, *fault: object) -> None:
        """Write what is left, and close the file."""
        self._release()
        self._writer.close()

    def draw(self, picture: bytes) -> bool:
        """Write the net's drawing, a PNG; return whether it is small enough."""
        width, height = (int.from_bytes(picture[i : i + 4]) for i in (16, 20))  # of the header
        if width * height > _MOST_PIXELS:
            return False
        pixels = np.asarray(Image.open(BytesIO(picture)).convert("RGB"))
        self._writer.add_image("net", pixels, self._solver.iteration, dataformats="HWC")
        return True

    def progress(self, progress: Progress) -> None:
        """Write loss, rate, speed, norm and outputs."""
        values = {"train/loss": progress.loss, "train/rate": progress.rate}
        if progress.seconds:
            values["train/images per second"] = progress.images / progress.seconds
        if progress.gradient_norm is not None:
            values["train/gradient norm"] = progress.gradient_norm
        values |= {f"train output/{name}": value for name, value in elements(progress.outputs)}
        self._scalars(values, progress.iteration)

    def tested(self, result: Evaluation) -> None:
        """Write the scores, and once per test what the parameters are."""
        group = f"test {result.net}" if result.net else "test"
        scores = {f"{group}/{name}": value for name, value in elements(result.scores)}
        self._scalars(scores, result.iteration)
        if result.net == 0:
            self._parameters(result.iteration)
        self._writer.flush()

    def tick(self, iteration: int) -> None:
        """Write the gradients of the iteration after a test."""
        if not self._hooks:
            return
        self._release()
        for name, histogram in self._gradients.items():
            self._histogram(f"gradients/{name}", histogram, iteration - 1)
        self._gradients = {}

    def noticed(self, text: str) -> None:
        """Write it."""
        self._writer.add_text("notes", text, self._solver.iteration)

    def _scalars(self, values: dict[str, float], iteration: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, iteration)

    def _parameters(self, iteration: int) -> None:
        self._release()
        for param in self._solver.params:
            tensor = self._solver.tensor_of(param)
            self._histogram(f"parameters/{_name(param)}", histogram_of(tensor), iteration)
            if tensor.requires_grad:
                catch = partial(self._catch, _name(param))
                self._hooks.append(tensor.register_post_accumulate_grad_hook(catch))
        if self._filters is not None:
            grid = filter_grid(self._solver.tensor_of(self._filters))
            self._writer.add_image(f"filters/{_name(self._filters)}", grid, iteration)

    def _catch(self, name: str, param: Tensor) -> None:
        """Keep the distribution of a gradient, as it is after each pass; the last one stays."""
        if param.grad is not None:
            scale = self._solver.loss_scale.factor if self._solver.loss_scale else 1.0
            passes = self._solver.settings.iter_size
            self._gradients[name] = histogram_of(param.grad / (scale * passes))

    def _release(self) -> None:
        """Catch no gradients any more."""
        while self._hooks:
            self._hooks.pop().remove()

    def _histogram(self, name: str, histogram: Histogram | None, iteration: int) -> None:
        if histogram is None:
            return
        self._writer.add_histogram_raw(
            name,
            min=histogram.min,
            max=histogram.max,
            num=histogram.count,
            sum=histogram.sum,
            sum_squares=histogram.sum_squares,
            bucket_limits=histogram.limits,
            bucket_counts=histogram.counts,
            global_step=iteration,
        )


def _name(param: Param) -> str:
    return f"{param.layer}/{param.weight}"
