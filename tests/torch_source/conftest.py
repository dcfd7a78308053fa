"""Running written source where there is no netdef."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import netdef
from netdef.onnx_backend.feeds import random_feed
from netdef.torch_backend.executable import Executable
from netdef.torch_source.export_source import export_source

ALONE = """
import importlib.util, sys
from importlib.abc import MetaPathFinder
from pathlib import Path

class Nothing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("netdef", "safetensors", "onnx", "google"):
            raise ImportError(f"{name} is imported")

sys.meta_path.insert(0, Nothing())
import numpy as np
import torch

for path in sorted(Path(sys.argv[1]).glob("*.py")):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.Net().load(path.with_suffix(".safetensors"))
    given = np.load(path.with_suffix(".in.npz"))
    torch.manual_seed(0)
    with torch.no_grad():
        found = net(*(torch.from_numpy(given[name]) for name in given.files))
    if isinstance(found, torch.Tensor):
        found = {"": found}
    expected = np.load(path.with_suffix(".out.npz"))
    assert len(expected.files) == len(found), path.stem
    for name, values in found.items():
        wanted = torch.from_numpy(expected[name or expected.files[0]])
        same = torch.equal(values.nan_to_num(7.0), wanted.nan_to_num(7.0))
        assert values.shape == wanted.shape and same, (path.stem, name)
assert not [name for name in sys.modules if name.startswith("netdef")]
"""


def drawn(net: netdef.ir.Net) -> Executable:
    """The net as a program whose parameters are drawn, lest a zero hides a fault."""
    exe = netdef.compile(net, device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in (t for ts in exe.params.values() for t in ts):
            spread = 1 / max(1, tensor[0].numel()) ** 0.5 if tensor.dim() else 1.0
            tensor.copy_((torch.rand(tensor.shape, generator=generator) + 0.1) * spread)
    return exe


def write(exe: Executable, path: Path) -> str:
    """Write source, and inputs and outputs to compare it with; return the source."""
    done = export_source(exe, path, "0")
    net = exe.net
    feed = random_feed(net, {n: net.blobs[n].shape or () for n in done.inputs}, seed=5)
    for module in exe.modules():
        if hasattr(module, "reset_state"):
            module.reset_state()
    torch.manual_seed(0)
    with torch.no_grad():
        expected = {name: v.numpy() for name, v in exe.run(feed, done.outputs).items()}
    np.savez(path.with_suffix(".in.npz"), **feed)
    np.savez(path.with_suffix(".out.npz"), **expected)
    return path.read_text()


@pytest.fixture
def exported(tmp_path: Path) -> Callable[[str], str]:
    """Write a net's source, run it alone, and return it."""

    def run(text: str) -> str:
        source = write(drawn(netdef.loads(text)), tmp_path / "model.py")
        run_alone(tmp_path)
        return source

    return run


def run_alone(folder: Path) -> None:
    """Run every source in a folder in a process without netdef; the outputs are equal."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def check_style(folder: Path) -> None:
    """See that ruff would change nothing, and finds no fault."""
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--line-length", "100", "--no-cache", str(folder)]
    for command in (["format", "--check"], ["check", "--select", "E,F,W,I,UP,B"]):
        done = subprocess.run(
            [*ruff, *command, *options], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
