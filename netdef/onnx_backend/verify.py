"""Whether an ONNX file is right: the checker's word, and the same numbers from onnxruntime."""

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnx

from netdef import catalog
from netdef.ir import Blob, Net, Shape
from netdef.source import NetdefError, error

TOLERANCE = 1e-5
"""Largest difference allowed, relative to the largest expected value where that is above 1."""

Arrays = Mapping[str, Any]
"""numpy arrays by blob name."""


class Program(Protocol):
    """What computes the expected numbers; `netdef.compile` makes one."""

    def run(self, inputs: Arrays, blobs: Iterable[str] | None = None) -> Mapping[str, Any]:
        """Return blobs by name as tensors."""
        ...

    def double(self) -> "Program":
        """Become a program in double precision."""
        ...


@dataclass(frozen=True, slots=True)
class Difference:
    """How far an output is from what is expected.

    Attributes:
        largest: The largest absolute difference; infinite where one is not a number, or the shapes
            differ.
        scale: The largest absolute value expected.
    """

    largest: float = 0.0
    scale: float = 0.0

    @property
    def fits(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.largest <= TOLERANCE * max(1.0, self.scale)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of running a file.

    Attributes:
        outputs: The worst difference of every output, by blob name.
        shapes: The shapes of the inputs, for each run.
    """

    outputs: Mapping[str, Difference]
    shapes: Sequence[Mapping[str, Shape]] = ()

    @property
    def largest(self) -> float:
        """The largest absolute difference of all."""
        return max((d.largest for d in self.outputs.values()), default=0.0)


def check_file(path: str | os.PathLike[str]) -> None:
    """Run onnx.checker over a file, with strict inference of types and shapes.

    Raises:
        NetdefError: The file is no valid model (rule `onnx-invalid`).
    """
    try:
        onnx.checker.check_model(os.fspath(path), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as fault:
        text = f"the ONNX file would not be valid: {_first_line(fault)}"
        raise NetdefError(error("onnx-invalid", text)) from fault


def compare(
    path: str | os.PathLike[str],
    program: Program,
    feeds: Sequence[Arrays],
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    drawn: bool = False,
) -> Comparison:
    """Run a file with onnxruntime, on the CPU, and the program; return how far they differ.

    An output that differs too much is compared with the program in double precision: a deep net may
    round more in single precision than the tolerance allows.

    Args:
        path: The ONNX file.
        program: The net that the file was made of.
        feeds: The inputs of each run, by blob name.
        inputs: Names of the file's inputs by blob name.
        outputs: Names of the file's outputs by blob name.
        drawn: Whether numbers are drawn on the way, so that only shapes can be compared.

    Raises:
        NetdefError: onnxruntime cannot run the file (rule `onnx-invalid`).
    """
    worst = {blob: Difference() for blob in outputs}
    session = open_session(path)
    for feed in feeds:
        actual = _run(session, {inputs[blob]: feed[blob] for blob in inputs}, outputs)
        found = _differences(actual, program.run(feed, list(outputs)), drawn)
        if not all(difference.fits for difference in found.values()):
            # Then it is for the exact numbers to say which of the two rounds too much.
            closer = _differences(actual, _exact(program).run(feed, list(outputs)), drawn)
            found = {blob: min(found[blob], closer[blob], key=_badness) for blob in outputs}
        worst = {blob: max(found[blob], worst[blob], key=_badness) for blob in outputs}
    shapes = [{name: value.shape for name, value in feed.items()} for feed in feeds]
    return Comparison(worst, shapes)


def require_equal(comparison: Comparison) -> None:
    """See that all outputs agree.

    Raises:
        NetdefError: One does not (rule `onnx-mismatch`), all of them listed.
    """
    faults = [
        error(
            "onnx-mismatch",
            f"output `{blob}` of the ONNX file differs by {difference.largest:.3g} "
            f"(largest value {difference.scale:.3g})",
            note="so the file was not written; the ONNX form of a layer must be wrong",
        )
        for blob, difference in comparison.outputs.items()
        if not difference.fits
    ]
    if faults:
        raise NetdefError(faults)


def difference_of(actual: Any, expected: Any) -> Difference:
    """Compare two arrays; NaN equals NaN, and an infinity itself."""
    if actual.shape != expected.shape:
        return Difference(float("inf"), 0.0)
    same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    finite = np.isfinite(actual) & np.isfinite(expected)
    gaps = np.zeros(expected.shape)
    np.subtract(actual, expected, out=gaps, where=finite & ~same)
    gaps[~finite & ~same] = np.inf
    scale = np.abs(expected, where=np.isfinite(expected), out=np.zeros(expected.shape))
    return Difference(float(np.abs(gaps).max(initial=0.0)), float(scale.max(initial=0.0)))


def random_feed(net: Net, shapes: Mapping[str, Shape], seed: int = 0) -> dict[str, Any]:
    """Return random inputs: of a normal distribution, or zeros and ones for labels and markers.

    Labels and markers are the inputs that only such bottoms read as get no gradient. Their first
    row is zero where there are several: it begins a sequence, whatever ran before.

    Args:
        net: A typed net.
        shapes: Shapes of the inputs by name.
        seed: Of the generator.
    """
    generator = np.random.default_rng(seed)
    whole = {blob.name for blob in _whole_numbers(net)}
    feed: dict[str, Any] = {}
    for name, shape in shapes.items():
        if name in whole:
            feed[name] = np.asarray(generator.integers(0, 2, shape), np.float32)
            if shape and shape[0] > 1:
                feed[name][0] = 0.0
        else:
            feed[name] = np.asarray(generator.standard_normal(shape, np.float32))
    return feed


def open_session(model: str | os.PathLike[str] | bytes) -> Any:
    """Return an onnxruntime session on the CPU for a file, or for a model's bytes.

    Raises:
        NetdefError: onnxruntime cannot load it (rule `onnx-invalid`).
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is raised, too
    # Said explicitly: by default onnxruntime pins a thread to every core, also to forbidden ones.
    options.intra_op_num_threads = min(8, os.cpu_count() or 1)
    source = model if isinstance(model, bytes) else os.fspath(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as fault:  # each of its codes is a class of its own, directly below Exception
        text = f"onnxruntime cannot load the ONNX file: {_first_line(fault)}"
        raise NetdefError(error("onnx-invalid", text)) from fault


def _whole_numbers(net: Net) -> set[Blob]:
    """Return the blobs that are read as labels or markers only, also by way of a reshaping."""
    whole: set[Blob] = set()
    for layer in reversed(net.layers):
        for blob in layer.tops:
            readers = net.consumers[blob]
            if readers and all(_reads_whole(reader, blob, whole) for reader in readers):
                whole.add(blob)
    return whole


def _reads_whole(layer: Any, blob: Blob, whole: set[Blob]) -> bool:
    kind = catalog.find(layer.type)
    if kind is None:
        return False
    count = len(layer.bottoms)
    places = {i for i, bottom in enumerate(layer.bottoms) if bottom is blob}
    if places <= {i % count for i in kind.no_grad_bottoms}:
        return True
    return kind.role == "shape" and whole.issuperset(layer.tops)


def _exact(program: Program) -> Program:
    return copy.deepcopy(program).double()


def _differences(actual: Arrays, expected: Mapping[str, Any], drawn: bool) -> dict[str, Difference]:
    differences: dict[str, Difference] = {}
    for blob, values in actual.items():
        wanted = expected[blob].detach().cpu().numpy()
        known = wanted if drawn and values.shape == wanted.shape else values
        differences[blob] = difference_of(known, wanted)
    return differences


def _badness(difference: Difference) -> float:
    return difference.largest / max(1.0, difference.scale)


def _run(session: Any, feed: Arrays, outputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the outputs by blob name."""
    try:
        values = session.run(list(outputs.values()), feed)
    except Exception as fault:  # as above
        text = f"onnxruntime cannot run the ONNX file: {_first_line(fault)}"
        raise NetdefError(error("onnx-invalid", text)) from fault
    return dict(zip(outputs, values, strict=True))


def _first_line(fault: Exception) -> str:
    return str(fault).strip().split("\n")[0]
