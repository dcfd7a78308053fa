"""A net as PyTorch source, with its weights beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netdef import catalog
from netdef.ir import Net, Shape
from netdef.onnx_backend.feeds import random_feed
from netdef.passes.places import place_of
from netdef.source import Diagnostic, NetdefError, error, replacing, warning
from netdef.torch_backend.executable import Executable
from netdef.torch_source.read_program import read_program
from netdef.torch_source.step import Program
from netdef.torch_source.write_module import Heading, Module, write_module
from netdef.torch_source.written_net import are_equal, made_from, outputs_of, weights_of


@dataclass(frozen=True)
class SourceExport:
    """Two files that were written.

    Attributes:
        path: The source.
        weights: The weights.
        inputs: Sizes of the inputs by name.
        outputs: Sizes of the outputs by name; None where they are not known.
        warnings: What was left out.
    """

    path: Path
    weights: Path
    inputs: Mapping[str, Shape | None]
    outputs: Mapping[str, Shape | None]
    warnings: tuple[Diagnostic, ...] = ()


def export_source(exe: Executable, path: str | Path, version: str) -> SourceExport:
    """Write a net as a Python module that needs nothing but torch, and its weights.

    The module is run before it is written, and gives the very numbers of the program.

    Args:
        exe: The net, compiled for the CPU in full precision and not run yet.
        path: The source, a `.py`; the weights are beside it as `.safetensors`.
        version: The version of netdef, to be noted in the source.

    Raises:
        NetdefError: A layer cannot be written as source (rule `no-source`), the source gives other
            numbers (`source-mismatch`), or a file cannot be written.
    """
    path = Path(path)
    weights = path.with_suffix(".safetensors")
    program = read_program(exe)
    inputs = {value.name: exe.net.blobs[value.name].shape for value in program.inputs}
    outputs = {name: exe.net.blobs[name].shape for name, _ in program.outputs}
    heading = Heading(
        title=_title(exe.net, version),
        weights=weights.name,
        shapes=[shape or () for shape in inputs.values()],
        results=[*outputs.values()],
    )
    module, values, proved = _proved(exe, program, heading)
    untried = () if proved else (_NOT_COMPARED,)
    _write_weights(weights, values)
    with replacing(path) as temporary:
        Path(temporary).write_text(module.text, encoding="utf-8")
    return SourceExport(path, weights, inputs, outputs, (*_left_out(exe.net), *untried))


_NOT_COMPARED = warning(
    "not-compared", "the source was not run: a layer does not take inputs that are drawn at random"
)


def _title(net: Net, version: str) -> str:
    name = net.name or "A net"
    origin = f" from {Path(net.file.path).name}" if net.file is not None else ""
    return f"{name}, written{origin} by netdef {version}."


def _proved(
    exe: Executable, program: Program, heading: Heading
) -> tuple[Module, dict[str, Any], bool]:
    """Return source that gives the program's own numbers, its weights, and whether it was tried.

    Torch's own modules get numbers as a person writes them, unless the results tell.
    """
    shapes = dict(zip((v.name for v in program.inputs), heading.shapes, strict=True))
    arrays = random_feed(exe.net, shapes)
    feed = {name: torch.from_numpy(values) for name, values in arrays.items()}
    names = [name for name, _ in program.outputs]
    try:
        expected = _seeded(lambda: [*exe.run(feed, names).values()])
    except NetdefError as fault:
        if any(d.rule != "bad-index" for d in fault.diagnostics):
            raise
        module = write_module(program, heading, exact=True)
        return module, weights_of(made_from(module)), False
    for exact in (False, True):
        module = write_module(program, heading, exact)
        net = made_from(module)
        if are_equal(_seeded(lambda net=net: outputs_of(net, program, feed)), expected):
            return module, weights_of(net), True
    text = "the source would give other numbers than the net"
    raise NetdefError(error("source-mismatch", text))


def _seeded(run: Any) -> list[Tensor]:
    """Run with the same random numbers each time."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        return run()


def _write_weights(path: Path, values: Mapping[str, Any]) -> None:
    from safetensors.numpy import save

    with replacing(path) as temporary:
        Path(temporary).write_bytes(save(dict(values), {"format": "pt"}))


def _left_out(net: Net) -> tuple[Diagnostic, ...]:
    """Say which layers do something besides their tops, which source does not."""
    return tuple(
        warning(
            "left-out",
            f"layer `{layer.name}` is left out: it writes files, and the source does not",
            place_of(layer, "type"),
        )
        for layer in net.layers
        if (kind := catalog.find(layer.type)) is not None and kind.effect
    )
