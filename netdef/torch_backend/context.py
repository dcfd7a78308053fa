"""What a layer type's `torch` facet builds with."""

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from netdef.contract import Instance
from netdef.torch_backend import ops
from netdef.torch_backend.fillers import settings_of
from netdef.torch_backend.hdf5_writer import Hdf5Writer
from netdef.torch_backend.python_host import PythonHost
from netdef.torch_backend.stored_blob import stored_blob


class TorchContext(SimpleNamespace):
    """`t` in `LayerType.torch(n, t)`: torch, nn, F, netdef's own ops, and fillers for them.

    `t.filler(shape, filler)` checks a FillerParameter and makes it plain values for `ops.Filled`.
    `t.python_host(n)` runs the class that a Python layer names; `t.hdf5_writer(path)` writes arrays
    to a file; `t.blob(n, "source")` reads the array in the binaryproto file that a field names.
    """

    torch: ModuleType
    nn: ModuleType
    F: ModuleType
    ops: ModuleType
    filler: Callable[..., dict[str, Any]]
    python_host: Callable[..., Any]
    hdf5_writer: Callable[..., Any]
    blob: Callable[[Instance, str], Any]


CONTEXT = TorchContext(
    torch=torch,
    nn=nn,
    F=functional,
    ops=ops,
    filler=settings_of,
    python_host=PythonHost,
    hdf5_writer=Hdf5Writer,
    blob=stored_blob,
)
