"""Whether an ONNX file is right: the checker's word, and the same numbers from onnxruntime."""

import copy
import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import onnx

from netdef.ir import Shape
from netdef.source import NetdefError, error

Arrays = Mapping[str, Any]
"""numpy arrays by blob name."""


class Tolerance(NamedTuple):
    """The largest difference allowed.

    Attributes:
        relative: As a part of the largest value expected.
        floor: What counts for the largest value where that is smaller.
    """

    relative: float
    floor: float


EXACT = Tolerance(1e-5, 1.0)
"""For a file in single precision."""

HALF = Tolerance(1e-2, 1e-3)
"""For a file in half precision, whose every value has an error of 0.05 % to begin with."""


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
        tolerance: How large it may be.
    """

    largest: float = 0.0
    scale: float = 0.0
    tolerance: Tolerance = EXACT

    @property
    def relative(self) -> float:
        """The difference as the tolerance counts it."""
        return self.largest / max(self.tolerance.floor, self.scale)

    @property
    def fits(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.relative <= self.tolerance.relative


@dataclass(frozen=True, slots=True)
class Model:
    """A file, and under which names it has what is compared.

    Attributes:
        path: Where it is.
        inputs: Names of its inputs by blob name.
        outputs: Names of its outputs by blob name.
        stages: Blobs inside, each with its name in the file, in groups in the order of execution:
            what goes into a layer whose choices rounding may flip, and what comes out of it.
        drawn: Whether numbers are drawn on the way, so that only shapes can be compared.
        tolerance: The largest difference allowed.
        prepare: From a feed of the file to one of the program; None if they are the same.
    """

    path: str | os.PathLike[str]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    stages: Sequence[Mapping[str, str]] = ()
    drawn: bool = False
    tolerance: Tolerance = EXACT
    prepare: Callable[[Arrays], Arrays] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of running a file.

    Attributes:
        outputs: The worst difference of every output, by blob name.
        shapes: The shapes of the inputs, for each run.
        inside: The same for blobs that were compared besides, because choices depend on them.
        tolerance: The largest difference allowed.
    """

    outputs: Mapping[str, Difference]
    shapes: Sequence[Mapping[str, Shape]] = ()
    inside: Mapping[str, Difference] = field(default_factory=dict)
    tolerance: Tolerance = EXACT

    @property
    def largest(self) -> float:
        """The largest absolute difference of all."""
        return max((d.largest for d in self._all), default=0.0)

    @property
    def relative(self) -> float:
        """The worst difference of all as the tolerance counts it."""
        return max((d.relative for d in self._all), default=0.0)

    @property
    def _all(self) -> list[Difference]:
        return [*self.outputs.values(), *self.inside.values()]


_WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"
"""What onnxruntime calls the folder of files that a model given as bytes refers to."""

_WRONG = "the ONNX form of a layer must be wrong"


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


def compare(model: Model, program: Program, feeds: Sequence[Arrays]) -> Comparison:
    """Run a file with onnxruntime, on the CPU, and the program; return how far they differ.

    Where stages are named, the program goes on from the file's own values after each of them: what
    comes into a choice is compared, then what is chosen from the same numbers, then the rest.

    What differs too much is compared with the program in double precision: a deep net may round
    more in single precision than the tolerance allows.

    Args:
        model: The file.
        program: The net that the file was made of.
        feeds: The inputs of each run, by blob name.

    Raises:
        NetdefError: onnxruntime cannot run the file (rule `onnx-invalid`).
    """
    names = {key: name for stage in model.stages for key, name in stage.items()}
    worst = {key: Difference(tolerance=model.tolerance) for key in (*names, *model.outputs)}
    with _telling(model.path, names.values()) as path:
        session = open_session(path)
    for feed in feeds:
        fed = {model.inputs[blob]: feed[blob] for blob in model.inputs}
        actual = run_session(session, fed, {**names, **model.outputs})
        given = dict(feed if model.prepare is None else model.prepare(feed))
        for stage in (*model.stages, model.outputs):
            found = _compare_stage({key: actual[key] for key in stage}, program, given, model)
            worst |= {key: max(d, worst[key], key=_badness) for key, d in found.items()}
            given |= {key: actual[key] for key in stage if key in names}
    return Comparison(
        {blob: worst[blob] for blob in model.outputs},
        [{name: value.shape for name, value in feed.items()} for feed in feeds],
        {blob: worst[blob] for blob in names if blob not in model.outputs},
        model.tolerance,
    )


def _compare_stage(
    actual: Arrays, program: Program, given: Arrays, model: Model
) -> dict[str, Difference]:
    found = _differences(actual, program.run(given, list(actual)), model)
    if all(difference.fits for difference in found.values()):
        return found
    # Then it is for the exact numbers to say which of the two rounds too much.
    closer = _differences(actual, _exact(program).run(given, list(actual)), model)
    return {blob: min(found[blob], closer[blob], key=_badness) for blob in actual}


@contextmanager
def _telling(path: str | os.PathLike[str], names: Iterable[str]) -> Generator[str]:
    """Give the path of a file with more outputs; of the file itself when no more are wanted."""
    more = list(names)
    if not more:
        yield os.fspath(path)
        return
    proto = onnx.load(os.fspath(path), load_external_data=False)
    known = {value.name for value in (*proto.graph.input, *proto.graph.output)}
    proto.graph.output.extend(onnx.ValueInfoProto(name=n) for n in more if n not in known)
    folder, name = os.path.split(path)
    # In the same folder, where weights outside of it are looked for.
    with tempfile.NamedTemporaryFile(dir=folder or ".", prefix=f".{name}.", suffix=".onnx") as file:
        file.write(proto.SerializeToString())
        file.flush()
        yield file.name


def require_equal(comparison: Comparison) -> None:
    """See that all outputs agree.

    Raises:
        NetdefError: One does not (rule `onnx-mismatch`), all of them listed.
    """
    half = comparison.tolerance != EXACT
    reason = "half precision does not suit this net" if half else _WRONG
    faults = [
        error(
            "onnx-mismatch",
            f"{what} `{blob}` of the ONNX file differs by {difference.largest:.3g} "
            f"(largest value {difference.scale:.3g})",
            note=f"so the file was not written; {reason}",
        )
        for what, blobs in (("output", comparison.outputs), ("blob", comparison.inside))
        for blob, difference in blobs.items()
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


def open_session(
    model: str | os.PathLike[str] | bytes,
    weights_folder: str | os.PathLike[str] | None = None,
    threads: int | None = None,
) -> Any:
    """Return an onnxruntime session on the CPU for a file, or for a model's bytes.

    Args:
        model: The file, or its bytes.
        weights_folder: Where the files are that bytes refer to for their weights.
        threads: How many compute; as many as there are processors, at most 8, if None.

    Raises:
        NetdefError: onnxruntime cannot load it (rule `onnx-invalid`).
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is raised, too
    # Said explicitly: by default onnxruntime pins a thread to every core, also to forbidden ones.
    options.intra_op_num_threads = threads or min(8, os.cpu_count() or 1)
    if weights_folder is not None:
        options.add_session_config_entry(_WEIGHTS_FOLDER, os.fspath(weights_folder))
    source = model if isinstance(model, bytes) else os.fspath(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as fault:  # each of its codes is a class of its own, directly below Exception
        text = f"onnxruntime cannot load the ONNX file: {_first_line(fault)}"
        raise NetdefError(error("onnx-invalid", text)) from fault


def _exact(program: Program) -> Program:
    return copy.deepcopy(program).double()


def _differences(
    actual: Arrays, expected: Mapping[str, Any], model: Model
) -> dict[str, Difference]:
    differences: dict[str, Difference] = {}
    for blob, values in actual.items():
        wanted = _array(expected[blob])
        known = wanted if model.drawn and values.shape == wanted.shape else values
        differences[blob] = replace(difference_of(known, wanted), tolerance=model.tolerance)
    return differences


def _array(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy()


def _badness(difference: Difference) -> tuple[bool, float]:
    """Return what orders differences: first those that do not fit."""
    return not difference.fits, difference.relative


def run_session(session: Any, feed: Arrays, outputs: Mapping[str, str]) -> dict[str, Any]:
    """Run a session.

    Args:
        session: From `open_session`.
        feed: Values by input, in the types that the file wants.
        outputs: The names of outputs, by the names of their blobs.

    Returns:
        float32 arrays by blob name.

    Raises:
        NetdefError: It fails (rule `onnx-invalid`).
    """
    try:
        values = session.run(list(outputs.values()), feed)
    except Exception as fault:  # as above
        text = f"onnxruntime cannot run the ONNX file: {_first_line(fault)}"
        raise NetdefError(error("onnx-invalid", text)) from fault
    return {
        blob: np.asarray(array, np.float32) for blob, array in zip(outputs, values, strict=True)
    }


def _first_line(fault: Exception) -> str:
    return str(fault).strip().split("\n")[0]
