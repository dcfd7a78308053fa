"""What `netdef verify` compares: files and words, as executors."""

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netdef import api
from netdef.cli.report import report
from netdef.source import NetdefError, error, warning

if TYPE_CHECKING:
    from netdef.torch_backend.executable import Executable
    from netdef.verify.executor import Executor

WORDS = ("fp32", "fp64", "optimized", "compiled", "onnxruntime")
"""How netdef itself can compute a net."""

_WEIGHTS = (".caffemodel", ".h5", ".hdf5", ".safetensors", ".npz")
_NET, _ONNX, _SOURCE, _PROGRAM = ".prototxt", ".onnx", ".py", ".pt2"


class Operands:
    """Makes executors of what a user names."""

    def __init__(self, texts: tuple[str, str], model: str | None, weights: str | None) -> None:
        """Take two operands, and what those need that name no net, or no weights.

        Raises:
            click.UsageError: One is nothing that is known, or needs a net that nobody names.
        """
        nets = [text for text in texts if Path(text).suffix == _NET]
        self._model = model or next(iter(nets), None)
        self._weights = weights
        self._programs: dict[tuple[str, str | None], Executable] = {}
        for check in (self._check_known, self._check_has_net):
            for text in texts:
                check(text)

    @staticmethod
    def _check_known(text: str) -> None:
        suffix = Path(text).suffix
        if text not in WORDS and suffix not in (_NET, _ONNX, _SOURCE, _PROGRAM, *_WEIGHTS):
            files = "a .prototxt, .onnx, .py, .pt2 or weight file"
            raise click.UsageError(f"{text} is neither {files} nor one of {', '.join(WORDS)}")

    def _check_has_net(self, text: str) -> None:
        if self._model is None and (text in WORDS or Path(text).suffix in _WEIGHTS):
            raise click.UsageError(f"{text} needs a net: give --model")

    def executor(self, text: str, state: dict[str, Any]) -> "Executor":
        """Return what an operand names.

        Raises:
            NetdefError: A file is missing or damaged, or what it names is code and not allowed.
        """
        suffix = Path(text).suffix
        if text in WORDS:
            return _computed(text, self._program(str(self._model), self._weights, state))
        if suffix == _NET:
            return _computed("fp32", self._program(text, self._weights, state), text)
        if suffix in _WEIGHTS:
            return _computed("fp32", self._program(str(self._model), text, state), text)
        if suffix == _ONNX:
            from netdef.verify.onnx_executor import open_onnx

            return open_onnx(text)
        if not state["allow_python"]:
            note = "allow it with --allow-python, if you trust the file"
            fault = error("code-not-run", f"{text} is code, which can do anything", note=note)
            raise NetdefError(fault)
        from netdef.verify.module_executor import open_program, open_source

        return open_source(text) if suffix == _SOURCE else open_program(text)

    def _program(self, model: str, weights: str | None, state: dict[str, Any]) -> "Executable":
        """Return a net with weights, the same one for the same files."""
        if (model, weights) not in self._programs:
            net = api.load(model, **state)
            report(net.diagnostics)
            if net.params and weights is None:
                text = f"no weights were given for {model}: its fillers decide"
                report([warning("no-weights", text)])
            self._programs[model, weights] = api.compile(net, weights, device="cpu")
        return self._programs[model, weights]


def _computed(word: str, exe: "Executable", name: str | None = None) -> "Executor":
    """Return a net as a word says that it is computed."""
    from netdef.verify.net_executor import NetExecutor

    if word == "onnxruntime":
        from netdef.engines.onnx_engine import as_onnx
        from netdef.verify.onnx_executor import OnnxExecutor

        return OnnxExecutor(word, as_onnx(exe).model, net=exe.net)
    if word in ("optimized", "compiled"):
        from netdef.engines import FREEZING, for_inference

        program = for_inference(exe, word)
        if word == "compiled":
            program.use_compiler(**FREEZING)
        # Compiled for all blobs it would be another program: layers would not be fused.
        return NetExecutor(word, program, exe.net.outputs if word == "compiled" else None)
    if word == "fp64":
        exe = copy.deepcopy(exe).double()
    return NetExecutor(name or word, exe)
