"""Choosing what computes a net."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, get_args

from torch import Tensor

from netdef.engines.onnx_engine import OnnxEngine
from netdef.engines.torch_engine import TorchEngine
from netdef.source import NetdefError, error
from netdef.source.suggest import did_you_mean
from netdef.torch_backend.compiler import require_compiler
from netdef.torch_backend.executable import Executable

EngineName = Literal["auto", "torch", "optimized", "compiled", "onnxruntime"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
"""The names of the engines."""

FREEZING: Mapping[str, Any] = {"options": {"freezing": True}}
"""Options of `Executable.use_compiler` for a net whose parameters stay as they are."""


class Engine(Protocol):
    """What computes blobs; gradients are not kept."""

    def run(
        self, inputs: Mapping[str, Any], blobs: Iterable[str] | None = None
    ) -> dict[str, Tensor]:
        """Return blobs by name.

        Args:
            inputs: Tensors or arrays by blob name; their sizes may differ from the file's.
            blobs: Some of those that the engine was made for; all of these if None.

        Raises:
            NetdefError: An input is missing, its shape does not fit, or a blob is no such one.
        """
        ...


def engine_of(exe: Executable, name: str = "auto", blobs: Sequence[str] | None = None) -> Engine:
    """Return what computes some blobs of a net, with the parameters that it has now.

    `torch` runs the net as it is. `optimized` runs a copy without what the blobs do not need, with
    affine layers folded into those before them. `compiled` runs that copy through torch.compile,
    its parameters frozen: the first run takes from seconds to a minute. `onnxruntime` runs the net
    as an ONNX model, on the CPU. All give the same numbers up to rounding.

    `auto` is `optimized`: it costs next to nothing to make, is never slower than the net as it is,
    takes every net and device, and needs nothing that might not be there.

    Args:
        exe: The net.
        name: One of `ENGINES`.
        blobs: What will be asked for; the outputs if None. In ONNX there are no losses and no
            accuracies: what these read are the outputs.

    Raises:
        NetdefError: There is no such engine (rule `unknown-engine`) or blob, no compiler
            (`no-compiler`), or the net cannot be expressed in ONNX.
    """
    makers: dict[str, Callable[[Executable, Sequence[str] | None], Engine]] = {
        "auto": _optimized,
        "torch": TorchEngine,
        "optimized": _optimized,
        "compiled": _compiled,
        "onnxruntime": OnnxEngine,
    }
    if name not in makers:
        text = f"there is no engine `{name}`"
        note = did_you_mean(name, makers) or f"the engines are {', '.join(makers)}"
        raise NetdefError(error("unknown-engine", text, note=note))
    return makers[name](exe, blobs)


def for_inference(exe: Executable, name: str, keep: Iterable[str] = ()) -> Executable:
    """Return what an engine of torch's runs, as a net with layers of its own; not yet compiled.

    Args:
        exe: The net.
        name: `torch`, `optimized`, `compiled` or `auto`.
        keep: Blobs that must stay, besides the outputs.

    Raises:
        NetdefError: As `engine_of`.
    """
    if name == "torch":
        return exe
    if name == "compiled":
        require_compiler(exe.device)
    return exe.optimized(keep)


def _optimized(exe: Executable, blobs: Sequence[str] | None) -> Engine:
    return TorchEngine(for_inference(exe, "optimized", blobs or ()), blobs)


def _compiled(exe: Executable, blobs: Sequence[str] | None) -> Engine:
    program = for_inference(exe, "compiled", blobs or ())
    program.use_compiler(**FREEZING)
    return TorchEngine(program, blobs)
