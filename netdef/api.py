"""The public functions of netdef; each loads what it needs when it is called."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from netdef import catalog
from netdef.frontend.bind import bind
from netdef.frontend.parse import parse
from netdef.passes import pipeline
from netdef.passes.kind import message_for
from netdef.schema import pb
from netdef.source import Diagnostic, NetdefError, SourceFile, read, warning

if TYPE_CHECKING:
    import torch

    from netdef.contract import CodeShapes, Instance
    from netdef.data.bad_records import OnBadRecord
    from netdef.data.program_feed import Given
    from netdef.ir import Net, Shape
    from netdef.onnx_backend.export import Export
    from netdef.onnx_backend.importing.write import Imported
    from netdef.onnx_backend.preprocessing import Preprocessing
    from netdef.onnx_backend.verify import Program
    from netdef.torch_backend.executable import Executable

__all__ = [
    "batches",
    "check",
    "compile",
    "deploy",
    "export_onnx",
    "import_onnx",
    "load",
    "loads",
]


def load(
    path: str | Path,
    phase: str = "TEST",
    level: int = 0,
    stages: Sequence[str] = (),
    shapes: Mapping[str, Shape] | None = None,
    allow_python: bool = False,
) -> Net:
    """Load the net in a file, for one state.

    Args:
        path: A prototxt file.
        phase: "TRAIN" or "TEST".
        level: Level that min_level and max_level rules are held against.
        stages: Stages that include and exclude rules are held against.
        shapes: Shapes of inputs by name, in place of what the file or its data say.
        allow_python: Whether the code that its Python layers name may be run.

    Returns:
        The typed net; what was only a warning is in its `diagnostics`.

    Raises:
        NetdefError: The file cannot be read or has faults, all of them listed.
    """
    return _load(read(path), phase, level, stages, shapes, allow_python)


def loads(
    text: str,
    phase: str = "TEST",
    level: int = 0,
    stages: Sequence[str] = (),
    shapes: Mapping[str, Shape] | None = None,
    name: str = "<text>",
    allow_python: bool = False,
) -> Net:
    """Load the net in a text; as `load`. Diagnostics call the text `name`.

    Raises:
        NetdefError: The text has faults, all of them listed.
    """
    return _load(SourceFile(name, text), phase, level, stages, shapes, allow_python)


def check(
    path: str | Path,
    phases: Sequence[str] | None = None,
    level: int = 0,
    stages: Sequence[str] = (),
    shapes: Mapping[str, Shape] | None = None,
    hints: bool = True,
    allow_python: bool = False,
) -> list[Diagnostic]:
    """Return every fault and warning of a file, in the order of its text.

    The content tells whether it is a net, a solver or something else. A net is checked in the
    `phases` that are named, otherwise in both, except one that it is not written for: that has no
    data, while the other has. What is found in some of these only is tagged with them. With
    `hints`, a net without errors is also told what could be better; with `allow_python` the code
    that its Python layers name is asked for shapes.
    """
    try:
        file = read(path)
    except NetdefError as fault:
        return fault.diagnostics
    document, faults = parse(file)
    kind = message_for(document)
    if kind is pb.NetParameter:
        bound = pipeline.bind_document(document, faults)
        request = _request(file, level, stages, shapes, allow_python)
        return pipeline.check_net(bound, phases, request, _lint() if hints else None)
    if kind is pb.SolverParameter:
        from netdef.training.solver_file import check_solver

        return check_solver(document, faults)
    return [*faults, *bind(document, kind(), catalog)]


def compile(
    net: Net,
    weights: str | Path | None = None,
    device: str | torch.device | None = None,
    precision: str = "fp32",
    share: Executable | None = None,
) -> Executable:
    """Make a net into a torch program.

    Args:
        net: A net from `load`.
        weights: A file to read weights from; without one, the fillers of the net decide.
        device: "cpu", "cuda", "cuda:1"; None takes a GPU when there is one.
        precision: "fp32" (exact), "tf32", "bf16" or "fp16".
        share: A program whose parameters this one uses, layer by layer of the same name.

    Raises:
        NetdefError: A layer cannot run, the device does not exist, the weights do not fit.
    """
    from netdef.torch_backend.executable import Executable

    executable = Executable(net, device, precision, share)
    if weights is not None:
        executable.load_weights(weights)
    return executable


def deploy(
    path: str | Path,
    level: int = 0,
    stages: Sequence[str] = (),
    shapes: Mapping[str, Shape] | None = None,
    allow_python: bool = False,
) -> str:
    """Return the text of the net that answers, made from one for training and testing.

    Its parameters are those of the net in phase TEST, under the same names of layers.

    Args:
        path: A prototxt file.
        level: Level that min_level and max_level rules are held against.
        stages: Stages that include and exclude rules are held against.
        shapes: Shapes of inputs by name, in place of what the data layers yield.
        allow_python: Whether the code that its Python layers name may be run.

    Raises:
        NetdefError: The file cannot be read or has faults, or the shape of an input is not known.
    """
    from netdef.frontend.format import format_document
    from netdef.passes.deploy import deploy as derive

    file = read(path)
    request = _request(file, level, stages, shapes, allow_python)
    done = derive(pipeline.bind_net(file), request)
    return format_document(done.document, done.original)


def batches(
    net: Net, seed: int = 0, on_bad_record: OnBadRecord = "stop", feed: Given | None = None
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield batches from the net's own data layers, endlessly: tensors by blob name.

    Tops of Input and MemoryData layers are among them only when there is a `feed`.

    Args:
        net: A net from `load`.
        seed: The seed of whatever is random.
        on_bad_record: Whether a damaged record of a database ends the reading ("stop"), or the next
            good one stands in for it ("skip"), with a line on standard error.
        feed: What Input and MemoryData layers read: a dict of arrays by top, which are cut into
            batches over and over; or whole batches, which are dicts of what the tops are: a list,
            another iterable, or a function from the number of the batch.

    Raises:
        NetdefError: A source is missing or damaged, or the net has no data layer.
    """
    from netdef.data.bad_records import BadRecords
    from netdef.data.loader import batches as read_batches
    from netdef.data.program_feed import kept

    def tell(text: str) -> None:
        print(text, file=sys.stderr)

    return read_batches(net, seed=seed, bad=BadRecords(on_bad_record, tell), given=kept(feed))


def export_onnx(
    net: Net,
    path: str | Path,
    weights: str | Path | None = None,
    opset: int | None = None,
    dynamic_batch: bool = True,
    executable: Executable | None = None,
    *,
    dynamic_size: bool = False,
    half: bool = False,
    verify: bool = True,
    preprocessing: Preprocessing | None = None,
    labels: Sequence[str] = (),
) -> Export:
    """Write a net as an ONNX file, checked and compared with onnxruntime.

    The file's inputs and outputs are called as the net's blobs. Losses and accuracies that ONNX
    cannot express are left out; what they read becomes an output.

    Args:
        net: A net from `load`.
        path: The file; it appears whole or not at all.
        weights: A file to read weights from; without one, the fillers of the net decide.
        opset: The version of ONNX's operators, 17 if None.
        dynamic_batch: Whether axis 0 of the inputs is left open, called `N`.
        executable: In place of `weights`: a program whose parameters are written, layer by layer of
            the same name.
        dynamic_size: Whether height and width of the inputs are left open, called `H` and `W`,
            where the net works for every size; where it does not, a warning says why.
        half: Whether weights and arithmetic are in half precision. Inputs and outputs are not.
        verify: Whether the file is compared with onnxruntime; it is checked in any case.
        preprocessing: What the file does to the images that it takes: mean, scale, channels.
        labels: The names of the classes, noted in the file.

    Returns:
        What was written, the largest difference found, and warnings.

    Raises:
        NetdefError: A layer cannot be expressed in ONNX, the opset is out of range, the results
            differ, or the file cannot be written.
    """
    from netdef import __version__
    from netdef.onnx_backend.export import Options, export
    from netdef.onnx_backend.part import inference_part
    from netdef.onnx_backend.preprocessing import expected_metadata

    if weights is not None and executable is not None:
        raise ValueError("give weights or an executable, not both")
    part = inference_part(net)
    if executable is not None and executable.device.type != "cpu":
        copy = compile(executable.net, device="cpu")
        copy.load_state_dict(executable.state_dict())
        executable = copy
    program = compile(part.net, weights, device="cpu", share=executable)
    noted = {} if preprocessing else expected_metadata(part.net)
    options = Options(
        opset, dynamic_batch, dynamic_size, half, verify, preprocessing, labels, noted
    )
    done = export(part, program, path, options, __version__)
    if part.net.params and weights is None and executable is None:
        text = "no weights were given: the ONNX file holds what the fillers of the net made"
        done = replace(done, warnings=(warning("no-weights", text), *done.warnings))
    return done


def import_onnx(
    path: str | Path,
    directory: str | Path,
    batch: int = 1,
    shapes: Mapping[str, Shape] | None = None,
    weights_format: str = "caffemodel",
) -> Imported:
    """Write the net and the weights that an ONNX file holds, once they give its numbers.

    They are called as the file: DIRECTORY/NAME.prototxt and DIRECTORY/NAME.caffemodel. Layers are
    called as its nodes and blobs as its values.

    Args:
        path: The ONNX file.
        directory: The folder to write into; it is made where it is missing.
        batch: The batch size, where the file leaves it open.
        shapes: Shapes of inputs by name, in place of the file's.
        weights_format: "caffemodel", "safetensors" or "h5".

    Returns:
        What was written, and the largest difference from onnxruntime.

    Raises:
        NetdefError: The file cannot be read, leaves sizes open, or has nodes without a Caffe
            meaning (all of them listed); its results are others than the net's; or the files cannot
            be written. Then nothing is.
    """
    from netdef.onnx_backend.importing.importer import convert
    from netdef.onnx_backend.importing.write import write

    def compiled(net: Net, weights: str | None) -> Program:
        return compile(net, weights, device="cpu")

    return write(convert(path, batch, shapes), path, directory, weights_format, loads, compiled)


def _lint() -> pipeline.Lint:
    from netdef import lint

    return lint.hints


def _load(
    file: SourceFile,
    phase: str,
    level: int,
    stages: Sequence[str],
    shapes: Mapping[str, Shape] | None,
    allow_python: bool,
) -> Net:
    return pipeline.load_net(file, phase, _request(file, level, stages, shapes, allow_python))


def _request(
    file: SourceFile,
    level: int,
    stages: Sequence[str],
    shapes: Mapping[str, Shape] | None,
    allow_python: bool = False,
) -> pipeline.Request:
    def probe(n: Instance) -> Sequence[Shape] | None:
        from netdef.data.probe import prober  # only a net with data layers needs it

        return prober(file.path)(n)

    def code(n: Instance) -> CodeShapes:
        from netdef.torch_backend.python_host import shapes_of_code

        return shapes_of_code(n)

    trusted = code if allow_python else None
    return pipeline.Request(level, tuple(stages), shapes or {}, probe, trusted)
