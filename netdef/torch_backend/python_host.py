"""Layers written in Python for Caffe's own interface: their code, loaded and run.

A class has `setup(bottom, top)`, `reshape(bottom, top)`, `forward(bottom, top)` and
`backward(top, propagate_down, bottom)`, which work on blobs of numpy arrays; it finds its text in
`self.param_str`, its phase in `self.phase` and its parameters in `self.blobs`. The modules such
classes are in begin with `import caffe`: where there is no Caffe, they get a stand-in with what a
layer needs.
"""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from netdef.contract import CodeShapes, Instance
from netdef.ir import Shape
from netdef.source import NetdefError, error

PHASES = {"TRAIN": 0, "TEST": 1}


class Blob:
    """Values and their gradient, as a layer sees them.

    Attributes:
        data: The values, an array of float32.
        diff: Their gradient, of the same shape.
    """

    def __init__(self, *shape: int) -> None:
        self.data = self.diff = np.zeros(())
        self.reshape(*shape)

    def reshape(self, *shape: int) -> None:
        """Take another shape; what was in it is lost unless the shape is the same."""
        if self.data.shape != shape or self.data.dtype != np.float32:
            self.data = np.zeros(shape, np.float32)
            self.diff = np.zeros(shape, np.float32)

    @property
    def shape(self) -> Shape:
        """The sizes of all axes."""
        return self.data.shape

    @property
    def count(self) -> int:
        """The number of values."""
        return self.data.size

    @property
    def num(self) -> int:
        """The size of axis 0, or 1."""
        return self._size(0)

    @property
    def channels(self) -> int:
        """The size of axis 1, or 1."""
        return self._size(1)

    @property
    def height(self) -> int:
        """The size of axis 2, or 1."""
        return self._size(2)

    @property
    def width(self) -> int:
        """The size of axis 3, or 1."""
        return self._size(3)

    def _size(self, axis: int) -> int:
        return self.shape[axis] if axis < len(self.shape) else 1


class Blobs(list[Blob]):
    """The parameters of a layer."""

    def add_blob(self, *shape: int) -> Blob:
        """Add a parameter of zeros."""
        self.append(Blob(*shape))
        return self[-1]


class Layer:
    """What the stand-in calls `caffe.Layer`.

    Attributes:
        param_str: The text from the file.
        phase: 0 in TRAIN, 1 in TEST.
        blobs: The parameters.
    """

    param_str = ""
    phase = PHASES["TEST"]
    blobs: Blobs


class PythonHost:
    """One layer's object, with its bottoms and tops.

    Attributes:
        layer: The object.
        bottom: Its bottoms.
        top: Its tops.
        name: The layer's name.
        who: Module and class, for messages.
    """

    def __init__(self, n: Instance) -> None:
        """Load the class, make the object and let it shape its tops.

        Raises:
            Fault: The class is not there, or its code raised an exception.
        """
        module, name = n.p.module, n.p.layer
        self.name = n.name
        self.who = f"{module}.{name}"
        self.bottom = [Blob(*shape) for shape in n.ins]
        self.top = [Blob() for _ in n.tops]
        try:
            with _importing(n.file):
                found = getattr(importlib.import_module(module), name)
                self.layer: Any = found()
        except Exception as fault:  # whatever foreign code raises
            path = "module" if isinstance(fault, ImportError) else "layer"
            n.fault(path, f"cannot make {self.who}: {_said(fault)}", rule="python-layer")
        self.layer.param_str = n.p.param_str
        self.layer.phase = PHASES[n.phase]
        self.layer.blobs = Blobs()
        for method in ("setup", "reshape"):
            try:
                getattr(self.layer, method)(self.bottom, self.top)
            except Exception as fault:  # whatever foreign code raises
                text = f"`{method}` of {self.who} failed: {_said(fault)}"
                n.fault("layer", text, rule="python-layer")

    @property
    def blobs(self) -> Sequence[Blob]:
        """The parameters of the layer."""
        return self.layer.blobs

    def forward(self, bottoms: Sequence[Any], blobs: Sequence[Any]) -> list[Any]:
        """Return the tops for arrays of the bottoms and the parameters.

        Raises:
            NetdefError: The code raised an exception.
        """
        self._fill(self.bottom, bottoms)
        self._fill(self.blobs, blobs)
        self._run("reshape", self.bottom, self.top)
        self._run("forward", self.bottom, self.top)
        return [np.array(top.data, np.float32) for top in self.top]

    def backward(
        self,
        bottoms: Sequence[Any],
        blobs: Sequence[Any],
        tops: Sequence[Any],
        gradients: Sequence[Any],
        wanted: Sequence[bool],
    ) -> tuple[list[Any], list[Any]]:
        """Return the gradients of the bottoms and of the parameters.

        The arrays are those of the forward pass: another may have come between.

        Raises:
            NetdefError: The code raised an exception.
        """
        self._fill(self.bottom, bottoms)
        self._fill(self.blobs, blobs)
        self._run("reshape", self.bottom, self.top)
        self._fill(self.top, tops)
        for top, gradient in zip(self.top, gradients, strict=True):
            top.diff[...] = gradient
        for blob in (*self.bottom, *self.blobs):
            blob.diff[...] = 0
        self._run("backward", self.top, list(wanted), self.bottom)
        return (
            [np.array(blob.diff, np.float32) for blob in self.bottom],
            [np.array(blob.diff, np.float32) for blob in self.blobs],
        )

    def _run(self, method: str, *arguments: Any) -> None:
        try:
            getattr(self.layer, method)(*arguments)
        except Exception as fault:  # whatever foreign code raises
            text = f"`{method}` of {self.who}, layer `{self.name}`, failed: {_said(fault)}"
            raise NetdefError(error("python-layer", text)) from fault

    def _fill(self, blobs: Sequence[Blob], arrays: Sequence[Any]) -> None:
        for blob, array in zip(blobs, arrays, strict=True):
            blob.reshape(*array.shape)
            blob.data[...] = array


def shapes_of_code(n: Instance) -> CodeShapes:
    """Return what a layer's own code says of its tops and parameters.

    Raises:
        Fault: The class is not there, its code raised an exception, or its parameters start out
            with values that differ.
    """
    host = PythonHost(n)
    blobs: list[tuple[Shape, float]] = []
    for index, blob in enumerate(host.blobs):
        start = float(blob.data.flat[0]) if blob.count else 0.0
        if not np.all(blob.data == np.float32(start)):
            text = f"`setup` of {host.who} fills its blob {index} with values that differ"
            note = "load them from a weight file; a parameter starts out with one value everywhere"
            n.fault("layer", text, rule="python-layer", note=note)
        blobs.append((blob.shape, start))
    return CodeShapes(tuple(top.shape for top in host.top), tuple(blobs))


def _said(fault: Exception) -> str:
    """Return what an exception of a layer's code says, and where it was raised."""
    frames = traceback.extract_tb(fault.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(fault).__name__}: {fault}{place}"


@contextmanager
def _importing(file: str | None) -> Generator[None]:
    """Let modules beside the net's file, and in the working folder, be found; and a `caffe`."""
    folders = [str(Path(file).resolve().parent)] if file else []
    folders.append(str(Path.cwd()))
    before = list(sys.path)
    sys.path[:] = [*folders, *before]
    stand_in = _stand_in() if _is_missing("caffe") else None
    if stand_in is not None:
        sys.modules["caffe"] = stand_in
    try:
        yield
    finally:
        sys.path[:] = before
        if stand_in is not None:
            sys.modules.pop("caffe", None)


def _is_missing(name: str) -> bool:
    try:
        return name not in sys.modules and importlib.util.find_spec(name) is None
    except ValueError:
        return False


def _stand_in() -> ModuleType:
    module = ModuleType("caffe", "What a layer written for Caffe needs of it.")
    module.Layer = Layer  # type: ignore[attr-defined]  # a module's attributes are its own
    module.TRAIN, module.TEST = PHASES["TRAIN"], PHASES["TEST"]  # type: ignore[attr-defined]
    return module
