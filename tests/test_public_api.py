"""The public names, and what they cost to have."""

import subprocess
import sys

import pytest

import netdef

PUBLIC = {
    "Diagnostic", "NetdefError", "Solver", "batches", "check", "compile", "export_onnx",
    "import_onnx", "load", "loads",
}  # fmt: skip


def test_public_names() -> None:
    """Exactly these, each of which can be had."""
    assert set(netdef.__all__) == PUBLIC
    assert all(getattr(netdef, name) is not None for name in netdef.__all__)
    with pytest.raises(AttributeError):
        _ = netdef.nothing


@pytest.mark.parametrize(
    "command",
    [
        ["check", "models/lenet/deploy.prototxt"],
        ["check", "models/lenet/solver.prototxt"],
        ["summary", "models/lenet/deploy.prototxt"],
        ["draw", "models/lenet/deploy.prototxt", "-o", "{tmp}/lenet.svg"],
        ["draw", "models/lenet/train_val.prototxt", "-o", "{tmp}/lenet.dot"],
        ["layers"],
        ["layers", "InnerProduct"],
        ["layers", "HDF5Data", "--json"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy(command: list[str], tmp_path: object) -> None:
    """Checking, drawing and summing up load neither torch nor numpy nor onnx."""
    program = (
        "import sys\n"
        "from netdef.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'numpy', 'onnx', 'onnxruntime', 'onnx_ir', 'h5py', 'matplotlib'}\n"
        "found = heavy & set(sys.modules)\n"
        "assert not found, found\n"
    )
    arguments = [part.format(tmp=tmp_path) for part in command]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
