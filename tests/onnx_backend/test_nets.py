"""Whole published nets as ONNX files: a sample of what tools/conformance/onnx_export.py tries.

They are other people's files and lie beside the checkout, in ../shared.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "conformance" / "onnx_export.py"


def load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("onnx_export", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


tool = load_tool()
PATHS = tool.paths() if tool.ROOT.is_dir() else []
SAMPLE = ["nets/lenet.prototxt", "nets/mnist_siamese.prototxt", "nets/squeezenet_v1.1.prototxt"]

pytestmark = pytest.mark.skipif(not PATHS, reason="the published files are not ours to carry along")


@pytest.mark.parametrize("path", SAMPLE)
def test_a_sample(path: str) -> None:
    """The oldest and the newest opset; batches of 1, 3 and 8."""
    result = tool.try_net(path, half=False, dynamic_size=False)
    assert result.agrees, result.said
    assert result.worst <= 1e-5
    assert result.batches == {1, 3, 8}
    assert min(result.opsets) == 17 < max(result.opsets)


def test_half_of_any_size() -> None:
    """SqueezeNet in half precision, with height and width open."""
    result = tool.try_net("nets/squeezenet_v1.1.prototxt", half=True, dynamic_size=True)
    assert result.agrees, result.said
    assert result.open_size
    assert result.worst <= 1e-2


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_every_net(path: str) -> None:
    """All that are forward-capable."""
    result = tool.try_net(path, half=False, dynamic_size=False)
    if not result.capable:
        pytest.skip(result.said)
    assert result.agrees, result.said
