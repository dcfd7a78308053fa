"""Exported modules: PyTorch source, and programs of torch.export."""

import inspect
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netdef.ir import Net, Shape
from netdef.source import NetdefError, error
from netdef.torch_source.names import identifier
from netdef.verify.executor import Arrays, Maker

ONLY = ""
"""What the only output of a module is called when it has no name."""


class ModuleExecutor:
    """What torch calls with tensors by place; see `Executor`. It tells its outputs only."""

    def __init__(
        self, name: str, call: Callable[..., Any], inputs: Mapping[str, Shape | None]
    ) -> None:
        """Run `call`, whose inputs are named as identifiers, in their order."""
        self.name = name
        self.net: Net | None = None
        self.inputs = inputs
        self.outputs: Sequence[str] | None = None
        self.blobs: Mapping[str, Maker] = {}
        self._call = call

    def run(self, feed: Arrays, blobs: Collection[str]) -> dict[str, Any]:
        """Return its outputs as arrays; see `Executor.run`."""
        del blobs
        tensors = [torch.from_numpy(values) for values in self._in_order(feed)]
        try:
            with torch.no_grad():
                found = self._call(*tensors)
        except Exception as fault:  # it is somebody's code
            raise _failed(self.name, "cannot be run", fault) from fault
        if isinstance(found, Tensor):
            found = {ONLY: found}
        if not isinstance(found, Mapping):
            text = f"{self.name} returns {type(found).__name__}, no tensor and no dict of tensors"
            raise NetdefError(error("bad-module", text))
        return {name: value.detach().cpu().float().numpy() for name, value in found.items()}

    def _in_order(self, feed: Arrays) -> list[Any]:
        """Return the values of the inputs: by name, else by their number."""
        by_name = {identifier(name): values for name, values in feed.items()} | dict(feed)
        if by_name.keys() >= self.inputs.keys():
            return [by_name[name] for name in self.inputs]
        if len(feed) == len(self.inputs):
            return list(feed.values())
        text = f"{self.name} takes {', '.join(self.inputs)}; there are values for {', '.join(feed)}"
        raise NetdefError(error("missing-input", text))


def open_source(path: str) -> ModuleExecutor:
    """Load PyTorch source that `netdef export` wrote, with the weights beside it.

    Its code is run.

    Raises:
        NetdefError: A file is missing, or it is no such source (rule `bad-module`).
    """
    weights = Path(path).with_suffix(".safetensors")
    for file in (Path(path), weights):
        if not file.is_file():
            raise NetdefError(error("missing-file", f"cannot read {file}: there is no such file"))
    spec = spec_from_file_location("netdef_verified", path)
    assert spec is not None and spec.loader is not None  # noqa: S101 - it ends in .py
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        net = module.Net().load(weights)
    except Exception as fault:  # it is somebody's code
        raise _failed(path, "cannot be loaded", fault) from fault
    return ModuleExecutor(path, net, dict.fromkeys(inspect.signature(net.forward).parameters))


def open_program(path: str) -> ModuleExecutor:
    """Load a program of torch.export, or a package that AOTInductor compiled.

    Code in it may be run.

    Raises:
        NetdefError: It is missing, or no such program (rule `bad-module`).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            compiled = any("aotinductor" in name for name in archive.namelist())
    except OSError as fault:
        text = f"cannot read {path}: {fault.strerror or fault}"
        raise NetdefError(error("missing-file", text)) from None
    except zipfile.BadZipFile as fault:
        raise _failed(path, "cannot be loaded", fault) from None
    try:
        if compiled:
            return _package(path)
        program = torch.export.load(path)
    except Exception as fault:  # torch raises exceptions of many kinds
        raise _failed(path, "cannot be loaded", fault) from fault
    names = program.graph_signature.user_inputs
    values = {node.name: node.meta["val"] for node in program.graph.nodes if "val" in node.meta}
    shapes = {str(name): _shape(values.get(str(name))) for name in names}
    return ModuleExecutor(path, program.module(), shapes)


def _package(path: str) -> ModuleExecutor:
    from torch import _inductor as inductor
    from torch.utils._pytree import treespec_loads

    package: Any = inductor.aoti_load_package(path)
    count = treespec_loads(package.loader.get_call_spec()[0]).num_leaves
    # It keeps no names; a dot is in no blob's name as source has it, so these mean places.
    return ModuleExecutor(path, package, {f".{place}": None for place in range(count)})


def _shape(value: Any) -> Shape | None:
    if not isinstance(value, Tensor):
        return None
    return tuple(size if isinstance(size, int) else 1 for size in value.shape)


def _failed(name: str, how: str, fault: Exception) -> NetdefError:
    reason = str(fault).strip().split("\n")[0] or type(fault).__name__
    note = "verify takes what `netdef export` writes: .py with its .safetensors, or .pt2"
    return NetdefError(error("bad-module", f"{name} {how}: {reason}", note=note))
