"""How far the first axis of a net's inputs may vary."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netdef.ir import Blob, Net, Shape
from netdef.onnx_backend.part import Part
from netdef.passes.infer import infer
from netdef.source import Diagnostic, warning

Dims = tuple[int | str | None, ...]
"""Sizes of a value: a number, the name of a size that varies, or None where nothing is known."""

SYMBOL = "N"
"""What the batch is called."""

_OTHERS = (3, 2)  # then twice the net's own, for nets that divide the batch
_LARGE = 16
_STAND_IN = 8

Shapes = Mapping[str, Shape]
"""Shapes of the inputs by name."""


@dataclass(frozen=True)
class Batch:
    """What is fixed and what varies.

    Attributes:
        dims: The sizes of every blob.
        trials: Shapes of the inputs that the file should be tried with.
        warnings: Says so when the batch could not vary.
    """

    dims: Mapping[Blob, Dims]
    trials: tuple[Shapes, ...]
    warnings: tuple[Diagnostic, ...] = ()


def batch_of(part: Part, dynamic: bool) -> Batch:
    """Find out which sizes vary with the batch, by inferring the net for another one.

    Axis 0 of the inputs is the batch, called `N`. An input whose axis 0 has another size than the
    first input's has its own symbol, `N_NAME`; where the net does not allow that, it is fixed.

    Args:
        part: What is exported; all its shapes are known.
        dynamic: Whether the batch shall vary; otherwise all sizes are fixed.
    """
    own = {blob.name: blob.shape or () for blob in part.inputs}
    for sizes in _choices(own) if dynamic else ():
        whole = next(iter(sizes.values()))
        other = _other_batch(part.net, own, sizes, (*_OTHERS, 2 * whole))
        if other is None:
            continue
        shapes, net = other
        symbols = {name: SYMBOL if n == whole else f"{SYMBOL}_{name}" for name, n in sizes.items()}
        trials = (_first_trial(part.net, own, sizes), shapes)
        return Batch(_dims(part, net, symbols), trials)
    fixed = {blob: blob.shape or () for blob in _blobs(part.net)}
    if not dynamic or not own:
        return Batch(fixed, (own,))
    text = "the batch is fixed in the ONNX file: the net does not fit another one"
    return Batch(fixed, (own,), (warning("fixed-batch", text),))


def _blobs(net: Net) -> Iterable[Blob]:
    return (blob for layer in net.layers for blob in layer.tops)


def _choices(own: Shapes) -> list[dict[str, int]]:
    """Return the sets of inputs that may vary together, with their batch; the largest first."""
    every = {name: shape[0] for name, shape in own.items() if shape and shape[0]}
    if not every:
        return []
    whole = next(iter(every.values()))
    alike = {name: size for name, size in every.items() if size == whole}
    return [every, alike] if alike != every else [every]


def _other_batch(
    net: Net, own: Shapes, sizes: Mapping[str, int], wanted: Iterable[int]
) -> tuple[Shapes, Net] | None:
    """Return the first batch that the net fits: the inputs' shapes, and the net inferred anew."""
    whole = next(iter(sizes.values()))
    for size in wanted:
        if size == whole:
            continue
        # Rounded up: an input of one row keeps one.
        scaled = {name: (-(-n * size // whole), *own[name][1:]) for name, n in sizes.items()}
        shapes = {**own, **scaled}
        again = infer(net.replace(diagnostics=()), shapes)
        if fits(net, again):
            return shapes, again
    return None


def fits(net: Net, again: Net) -> bool:
    """Return whether the net, inferred for another batch, has no faults and the same parameters."""
    if again.has_errors:
        return False
    for before, after in zip(net.layers, again.layers, strict=True):
        if [p.shape for p in before.params or ()] != [p.shape for p in after.params or ()]:
            return False
    return True


def _first_trial(net: Net, own: Shapes, sizes: Mapping[str, int]) -> Shapes:
    """Return the net's own batch; a smaller one where it is large, which would only cost time."""
    large = next(iter(sizes.values())) > _LARGE
    smaller = _other_batch(net, own, sizes, [_STAND_IN]) if large else None
    return own if smaller is None else smaller[0]


def _dims(part: Part, again: Net, symbols: Mapping[str, str]) -> dict[Blob, Dims]:
    """Return the sizes that are the same in both nets; those of the batch by its symbol."""
    named: dict[tuple[int, int], str] = {}
    dims: dict[Blob, Dims] = {}
    inputs = set(part.inputs)
    for before, after in zip(_blobs(part.net), _blobs(again), strict=True):
        old = before.shape or ()
        pairs = list(zip(old, after.shape or old, strict=True))  # nobody asks for an unread input
        if before in inputs and before.name in symbols:
            named.setdefault(pairs[0], symbols[before.name])
            dims[before] = (symbols[before.name], *(size for size, _ in pairs[1:]))
        elif before.dynamic:  # its sizes are upper bounds
            dims[before] = (None,) * len(pairs)
        else:
            dims[before] = tuple(a if a == b else named.get((a, b)) for a, b in pairs)
    return dims
