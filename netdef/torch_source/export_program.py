"""A net as a file of torch.export, and as a package that AOTInductor compiles."""

import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netdef.ir import Shape
from netdef.source import Diagnostic, NetdefError, error, replacing
from netdef.torch_backend.compiler import missing_for_cpp
from netdef.torch_backend.executable import Executable
from netdef.torch_source.traced import Feed, Traced, trace

_TOLERANCE = 1e-5
"""Largest difference allowed, relative to the largest expected value where that is above 1."""

Loaded = Callable[..., Mapping[str, Tensor]]


@dataclass(frozen=True)
class ProgramExport:
    """A file that was written.

    Attributes:
        path: Where it is.
        inputs: Sizes of the inputs by name: numbers, or `N` for a batch of any size.
        outputs: Sizes of the outputs by name, of the inputs that it was tried with.
        largest_difference: The largest absolute difference from netdef's own numbers.
        warnings: What could not be kept.
    """

    path: Path
    inputs: Mapping[str, tuple[int | str, ...]]
    outputs: Mapping[str, Shape]
    largest_difference: float
    warnings: tuple[Diagnostic, ...]


def export_program(exe: Executable, path: str | Path) -> ProgramExport:
    """Write a net as a `.pt2` of torch.export, loaded again and compared before it is there.

    Args:
        exe: The net, compiled in full precision and not run yet.
        path: The file; it appears whole or not at all.

    Raises:
        NetdefError: torch.export cannot follow a layer (rule `not-traceable`), the results differ
            (`program-mismatch`), or the file cannot be written.
    """
    traced = trace(exe)

    def load(file: str) -> Loaded:
        return torch.export.load(file).module()

    with replacing(path) as temporary:
        torch.export.save(traced.program, temporary)
        return _compared(exe, traced, load(temporary), Path(path))


def export_package(exe: Executable, folder: str | Path, name: str) -> ProgramExport:
    """Write a net as machine code for this machine: `name`.pt2 in a folder.

    `torch._inductor.aoti_load_package` loads it; C++ needs no Python for it.

    Args:
        exe: The net, compiled in full precision and not run yet.
        folder: Where the package goes; it is made if it is not there.
        name: The package's name, without its suffix.

    Raises:
        NetdefError: There is no compiler or not what it needs (rule `no-compiler`), torch.export
            cannot follow a layer (`not-traceable`), the results differ (`program-mismatch`), or the
            file cannot be written.
    """
    from torch import _inductor as inductor

    _require_compiler(exe.device)
    path = Path(folder) / f"{name}.pt2"
    traced = trace(exe)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        text = f"cannot write {path}: {fault.strerror or fault}"
        raise NetdefError(error("cannot-write", text)) from fault
    with replacing(path) as temporary:
        try:
            with warnings.catch_warnings():  # torch warns of its own old parts
                warnings.simplefilter("ignore")
                inductor.aoti_compile_and_package(traced.program, package_path=temporary)
        except Exception as fault:  # torch raises exceptions of many kinds
            reason = str(fault).strip().split("\n")[0]
            text = f"AOTInductor cannot compile the net: {reason}"
            raise NetdefError(error("no-compiler", text)) from fault
        return _compared(exe, traced, inductor.aoti_load_package(temporary), path)


def _require_compiler(device: torch.device) -> None:
    """See that there is what AOTInductor needs besides torch."""
    missing = missing_for_cpp()
    if device.type == "cuda" and not shutil.which("nvcc"):
        missing.append("CUDA's compiler nvcc")
    if missing:
        note = "install that, or export as .pt2 or .py, which need no compiler"
        text = f"an AOTInductor package needs {' and '.join(missing)}, not found here"
        raise NetdefError(error("no-compiler", text, note=note))


def _compared(exe: Executable, traced: Traced, loaded: Loaded, path: Path) -> ProgramExport:
    """Hold a program against the net, with the batch it was traced with and another one."""
    worst = 0.0
    outputs: dict[str, Shape] = {}
    for feed in (traced.feed, _doubled(traced)):
        with torch.no_grad():
            found = loaded(*(feed[name] for name in traced.inputs))
            expected = exe.run(feed, [*found])
        outputs = outputs or {name: tuple(values.shape) for name, values in found.items()}
        worst = max(worst, *(_difference(found[name], expected[name]) for name in found))
    dims: dict[str, tuple[int | str, ...]] = {}
    for name in traced.inputs:
        shape = tuple(traced.feed[name].shape)
        dims[name] = ("N", *shape[1:]) if name in traced.batched else shape
    return ProgramExport(path, dims, outputs, worst, traced.warnings)


def _doubled(traced: Traced) -> Feed:
    """Return inputs of twice the batch, where it may vary."""
    return {
        name: torch.cat([values, values]) if name in traced.batched else values
        for name, values in traced.feed.items()
    }


def _difference(found: Any, expected: Any) -> float:
    if found.shape != expected.shape:
        text = f"an output is {tuple(found.shape)} in the program, not {tuple(expected.shape)}"
        raise NetdefError(error("program-mismatch", text))
    same = (found == expected) | (found.isnan() & expected.isnan())
    gap = float((found - expected).abs().masked_fill(same, 0.0).max()) if found.numel() else 0.0
    scale = float(expected.nan_to_num(0.0, 0.0, 0.0).abs().max()) if found.numel() else 0.0
    if not gap <= _TOLERANCE * max(1.0, scale):
        text = f"an output of the program differs by {gap:.3g} (largest value {scale:.3g})"
        raise NetdefError(error("program-mismatch", text, note="so it was not written"))
    return gap
