"""How far two executors of one net differ, blob by blob."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netdef.ir import Shape
from netdef.onnx_backend.verify import difference_of
from netdef.source import Diagnostic, NetdefError, error
from netdef.verify.executor import Arrays, Executor, Maker
from netdef.verify.module_executor import ONLY

TOLERANCE = 1e-5
"""The largest difference that single precision explains in most nets, as a part of the largest
value of a blob."""

_FLOOR = 1e-6
"""What counts for the largest value of a blob where that is smaller: zeros may differ, too."""


@dataclass(frozen=True)
class BlobDifference:
    """How far a blob is apart.

    Attributes:
        blob: Its name in the first executor.
        maker: What makes it; None where only a module computes it.
        shapes: Its sizes in both.
        largest: The largest absolute difference; infinite where the sizes differ, or where one
            value is not a number and the other is.
        scale: The largest absolute value in the first executor.
        fits: Whether the difference is within the tolerance.
    """

    blob: str
    maker: Maker | None
    shapes: tuple[Shape, Shape]
    largest: float
    scale: float
    fits: bool

    @property
    def relative(self) -> float:
        """The difference as a part of the largest value."""
        return self.largest / max(self.scale, _FLOOR)


@dataclass(frozen=True)
class Report:
    """What came of a comparison.

    Attributes:
        names: What the user calls the two executors.
        inputs: Sizes of the inputs by name.
        tolerance: The largest relative difference allowed.
        blobs: The blobs that both tell, in the order of execution.
    """

    names: tuple[str, str]
    inputs: Mapping[str, Shape]
    tolerance: float
    blobs: Sequence[BlobDifference]

    @property
    def first(self) -> BlobDifference | None:
        """The first blob beyond the tolerance, in the order of execution."""
        return next((blob for blob in self.blobs if not blob.fits), None)

    @property
    def worst(self) -> BlobDifference:
        """The blob that is farthest apart."""
        return max(self.blobs, key=lambda blob: blob.relative)

    def faults(self) -> list[Diagnostic]:
        """Return the first divergence as an error at its layer; nothing where all blobs fit."""
        first = self.first
        if first is None:
            return []
        beyond = sum(not blob.fits for blob in self.blobs)
        text = f"{_of(first)} is the first blob that differs: {_by(first)}"
        note = f"{beyond} of {len(self.blobs)} blobs differ by more than {self.tolerance:.3g}"
        place = first.maker.place if first.maker else None
        return [error("executors-differ", text, place, note=f"{note} of their largest value")]


def compare(a: Executor, b: Executor, feed: Arrays, tolerance: float = TOLERANCE) -> Report:
    """Run both executors on the same inputs, and compare what both tell.

    Blobs are compared by name. A module tells its outputs only; where each has a single output and
    no name is common, these are compared.

    Raises:
        NetdefError: One cannot run, or they have no blob in common (rule `no-common-blob`).
    """
    pair = (a, b)
    values: list[dict[str, Any] | None] = [None if e.blobs else e.run(feed, ()) for e in pair]
    names = [_names(e, found) for e, found in zip(pair, values, strict=True)]
    matched = _matched(pair, names, values)
    found_a, found_b = (
        found if found is not None else e.run(feed, [match[side] for match in matched])
        for side, (e, found) in enumerate(zip(pair, values, strict=True))
    )
    blobs = [
        _difference(
            name_a or name_b,
            _maker((a, name_a), (b, name_b)),
            (found_a[name_a], found_b[name_b]),
            tolerance,
        )
        for name_a, name_b in matched
    ]
    sizes = {name: array.shape for name, array in feed.items()}
    return Report((a.name, b.name), sizes, tolerance, blobs)


def _names(executor: Executor, found: Mapping[str, Any] | None) -> list[str]:
    return list(executor.blobs if found is None else found)


def _matched(
    pair: tuple[Executor, Executor],
    names: Sequence[Sequence[str]],
    values: Sequence[Mapping[str, Any] | None],
) -> list[tuple[str, str]]:
    """Return the blobs that both tell, under both names, in the order of execution."""
    # A net's own order is that of its file; a module knows none.
    ordering = 1 if pair[0].net is None and pair[1].net is not None else 0
    other = set(names[1 - ordering])
    common = [(name, name) for name in names[ordering] if name in other and name != ONLY]
    if common:
        return common
    outputs = [
        list(e.outputs or ()) if found is None else list(found)
        for e, found in zip(pair, values, strict=True)
    ]
    if len(outputs[0]) == len(outputs[1]) == 1:
        return [(outputs[0][0], outputs[1][0])]
    shown = [", ".join(name for name in some if name) or "one without a name" for some in outputs]
    text = f"{pair[0].name} and {pair[1].name} have no blob in common"
    note = f"outputs of the first: {shown[0]}; of the second: {shown[1]}"
    raise NetdefError(error("no-common-blob", text, note=note))


def _maker(*places: tuple[Executor, str]) -> Maker | None:
    """Return what makes a blob; a layer of a net rather than a node of a file."""
    found = [executor.blobs.get(name) for executor, name in places]
    known = [maker for maker in found if maker is not None]
    return max(known, key=lambda maker: maker.place is not None, default=None)


def _difference(
    blob: str, maker: Maker | None, arrays: tuple[Any, Any], tolerance: float
) -> BlobDifference:
    expected, actual = arrays
    found = difference_of(actual, expected)
    scale = difference_of(expected, expected).scale
    fits = found.largest <= tolerance * max(scale, _FLOOR)
    return BlobDifference(blob, maker, (expected.shape, actual.shape), found.largest, scale, fits)


def _of(blob: BlobDifference) -> str:
    made = f" of layer `{blob.maker.layer}` ({blob.maker.type})" if blob.maker else ""
    return f"`{blob.blob}`{made}"


def _by(blob: BlobDifference) -> str:
    first, second = blob.shapes
    if first != second:
        return f"it is {_shown(first)} in one and {_shown(second)} in the other"
    if blob.largest == float("inf"):
        return "values are NaN or infinite in one only"
    return f"by {blob.largest:.3g}, where its largest value is {blob.scale:.3g}"


def _shown(shape: Shape) -> str:
    return " x ".join(map(str, shape)) or "a single number"
