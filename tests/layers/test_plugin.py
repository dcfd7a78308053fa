"""A layer type from another package: its message, its file, an entry point, nothing else."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]

SCHEMA = """
from google.protobuf import descriptor_pb2, descriptor_pool
from netdef.contract import REGISTRY  # netdef's schema is in the pool

file = descriptor_pb2.FileDescriptorProto(
    name="toy_layers/toy.proto",
    package="toy",
    dependency=["netdef/schema/netdef.proto"],
    message_type=[
        descriptor_pb2.DescriptorProto(
            name="ToyParameter",
            field=[
                descriptor_pb2.FieldDescriptorProto(
                    name="shift", number=1, label=1, type=2, default_value="3"
                ),
                descriptor_pb2.FieldDescriptorProto(
                    name="filler", number=2, label=1, type=11,
                    type_name=".netdef.FillerParameter",
                ),
            ],
        )
    ],
    extension=[
        descriptor_pb2.FieldDescriptorProto(
            name="toy_param", number=10001, label=1, type=11,
            type_name=".toy.ToyParameter", extendee=".netdef.LayerParameter",
        )
    ],
)
descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
"""

LAYER = '''
"""A toy."""

from netdef.contract import Cost, Example, LayerType, Signature, Weight, count, layer
from toy_layers import schema


@layer("Toy", param="toy_param", role="elementwise")
class Toy(LayerType):
    """Multiply by one learned factor, then add `shift` (3 by default)."""

    examples = (Example("toy_param { shift: 1 }", [(2, 4)], [(2, 4)], 1),)

    def signature(self, n):
        if n.p.shift < 0:
            n.fault("shift", "`shift` cannot be negative")
        return Signature([n.ins[0]], [Weight("factor", (1,), n.filler("filler", 2.0))])

    def cost(self, n):
        return Cost(macs=count(n.ins[0]))

    def torch(self, n, t):
        shift = n.p.shift

        class Module(t.nn.Module):
            def __init__(self):
                super().__init__()
                self.factor = t.nn.Parameter(t.torch.empty(1))

            def forward(self, x):
                return x * self.factor + shift

        return Module()

    def onnx(self, n, g, ins):
        return g.op("Add", g.op("Mul", ins[0], g.weight("factor")), g.constant(n.p.shift))
'''

NET = """
name: "toys"
layer { name: "x" type: "HDF5Data" top: "x" top: "y"
  hdf5_data_param { source: "list.txt" batch_size: 2 } }
layer { name: "toy" type: "Toy" bottom: "x" top: "z" toy_param { shift: 5 } }
layer { name: "loss" type: "EuclideanLoss" bottom: "z" bottom: "y" top: "loss" }
"""

DEPLOY = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 } } }
layer { name: "toy" type: "Toy" bottom: "x" top: "z" toy_param { filler { value: 4 } } }
"""

PLAIN = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 } } }
layer { name: "relu" type: "ReLU" bottom: "x" top: "z" }
"""

SOLVER = """
net: "net.prototxt"  base_lr: 0.01  lr_policy: "fixed"  max_iter: 1  solver_mode: CPU
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A folder with the installed package and some files that use its layer type."""
    package, info = tmp_path / "toy_layers", tmp_path / "toy_layers-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").touch()
    (package / "schema.py").write_text(SCHEMA)
    (package / "toy.py").write_text(LAYER)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-layers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[netdef.layers]\nToy = toy_layers.toy:Toy\n")
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "deploy.prototxt").write_text(DEPLOY)
    (tmp_path / "plain.prototxt").write_text(PLAIN)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    (tmp_path / "list.txt").write_text("ones.h5\n")
    with h5py.File(tmp_path / "ones.h5", "w") as file:
        file["x"] = file["y"] = np.ones((2, 4), np.float32)
    return tmp_path


def run(folder: Path, code: str) -> str:
    """Run a program in `folder`, where the plug-in is; return what it prints."""
    paths = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]\nimport netdef\n"
    command = [sys.executable, "-W", "error", "-c", paths + code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_check_and_summary(plugin: Path) -> None:
    """The bare name of the message is understood; faults in it have a place and a suggestion."""
    bad = DEPLOY.replace("filler { value: 4 }", "shfit: 1")
    (plugin / "misspelt.prototxt").write_text(bad)
    (plugin / "negative.prototxt").write_text(DEPLOY.replace("filler { value: 4 }", "shift: -1"))
    (plugin / "qualified.prototxt").write_text(DEPLOY.replace("toy_param", "[toy.toy_param]"))
    (plugin / "slip.prototxt").write_text(DEPLOY.replace("Toy", "TOY"))
    printed = run(
        plugin,
        """
from netdef.analysis.summary import summarize
assert netdef.check("net.prototxt") == netdef.check("qualified.prototxt") == []
for name in ("misspelt", "negative", "slip"):
    for d in netdef.check(f"{name}.prototxt"):
        print(f"{d.span}: {d.message} ({d.note})")
net = netdef.load("deploy.prototxt")
print(net.blobs["z"].shape, net.param_count(), summarize(net).total.macs)
""",
    )
    assert printed.splitlines() == [
        "misspelt.prototxt:3:66: ToyParameter has no field `shfit` (did you mean `shift`?)",
        "negative.prototxt:3:73: `shift` cannot be negative (None)",
        "slip.prototxt:3:27: unknown layer type `TOY` (did you mean `Toy`?)",
        "(2, 4) 1 8",
    ]


def test_runs_trains_and_exports(plugin: Path) -> None:
    """z = 2 x + 5 before training; the ONNX file has the trained factor."""
    printed = run(
        plugin,
        """
import numpy, onnx
exe = netdef.compile(netdef.load("net.prototxt"), device="cpu")
print(exe.run({"x": numpy.ones((2, 4))}, ["z"])["z"].flatten().tolist())
solver = netdef.Solver("solver.prototxt")
solver.step(1)
# z - y = 6 for 8 elements of 2 items: the gradient is 8 * 6 * 1 / 2.
print(round(solver.model.params["toy"][0].item(), 6))
net = netdef.load("net.prototxt")
exported = netdef.export_onnx(net, "toy.onnx", executable=solver.model)
print(exported.inputs, exported.outputs, exported.largest_difference <= 1e-6)
values = onnx.numpy_helper.to_array(onnx.load("toy.onnx").graph.initializer[0])
print(round(float(values[0]), 6))
exe.save_weights("toy.caffemodel")
print(netdef.compile(net, "toy.caffemodel", device="cpu").params["toy"][0].tolist())
""",
    )
    assert printed.splitlines() == [
        "[7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0]",
        "1.76",
        "{'x': ('N', 4)} {'z': ('N', 4)} True",
        "1.76",
        "[2.0]",
    ]


def test_plug_ins_wait_for_an_unknown_name(plugin: Path) -> None:
    """A net that needs none loads none, and looks at no other layer file."""
    printed = run(
        plugin,
        """
netdef.check("plain.prototxt")
print("toy_layers" in sys.modules, "importlib.metadata" in sys.modules)
netdef.check("deploy.prototxt")
print("toy_layers" in sys.modules, "netdef.layers.lstm" in sys.modules)
""",
    )
    assert printed.splitlines() == ["False False", "True False"]


def test_a_broken_plug_in_is_named(plugin: Path) -> None:
    """What it raises is told in one line."""
    (plugin / "toy_layers" / "toy.py").write_text("import no_such_module\n")
    printed = run(
        plugin,
        """
try:
    netdef.load("deploy.prototxt")
except netdef.NetdefError as fault:
    print(fault)
""",
    )
    assert printed.strip() == (
        "error[broken-plugin]: the plug-in `Toy` (toy_layers.toy:Toy) cannot be loaded: "
        "No module named 'no_such_module'"
    )
