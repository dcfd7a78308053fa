"""The inputs that executors are compared on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from netdef.ir import Shape
from netdef.onnx_backend.feeds import random_feed
from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean
from netdef.verify.executor import Arrays, Executor


def make_feed(executors: Sequence[Executor], given: Arrays, seed: int) -> dict[str, Any]:
    """Return values for all inputs: those given, the others random.

    What a net reads as labels, regions or markers is drawn as such; without a net all is of a
    normal distribution.

    Args:
        executors: What is to be fed.
        given: Values by input.
        seed: Of the random numbers.

    Raises:
        NetdefError: There is no such input (rule `unknown-blob`), or the size of one that is not
            given is not known (`unknown-shape`).
    """
    # The names of a module are identifiers, made from a net's.
    telling = [e for e in executors if e.net is not None] or [e for e in executors if e.blobs]
    shapes: dict[str, Shape | None] = {}
    for executor in telling or executors[:1]:
        for name, shape in executor.inputs.items():
            shapes[name] = shapes.get(name) or shape
    _check(shapes, given)
    feed: dict[str, Any] = {}
    sizes = {name: shape for name, shape in shapes.items() if shape is not None}
    for executor in executors:
        if executor.net is not None:
            known = {name: s for name, s in sizes.items() if name in executor.inputs}
            feed |= random_feed(executor.net, known, seed)
    generator = np.random.default_rng(seed)
    for name, shape in sizes.items():
        if name not in feed:
            feed[name] = generator.standard_normal(shape, np.float32)
    return feed | dict(given)


def _check(shapes: Mapping[str, Shape | None], given: Arrays) -> None:
    faults = [
        error("unknown-blob", f"there is no input `{name}`", note=did_you_mean(name, shapes))
        for name in given
        if name not in shapes
    ]
    for name, shape in shapes.items():
        if shape is None and name not in given:
            text = f"the size of input `{name}` is not known"
            note = f"say it: --shape {name}=N,C,H,W, with --model; or --input {name}=FILE.npy"
            faults.append(error("unknown-shape", text, note=note))
    if faults:
        raise NetdefError(faults)
