"""What the tests of weight files share: a small net, and fault checks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netdef.ir import Net
from netdef.passes.pipeline import Request, load_net
from netdef.source import NetdefError, SourceFile

DATA = Path(__file__).parent / "data"

MLP = """\
name: "mlp"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 2 dim: 4 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
        inner_product_param { num_output: 3 } }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
        inner_product_param { num_output: 2 bias_term: false } }
"""


@pytest.fixture
def data() -> Path:
    """The folder of recorded files."""
    return DATA


@pytest.fixture
def net_of() -> Callable[[str], Net]:
    """Makes a typed net of a text."""

    def load(text: str) -> Net:
        return load_net(SourceFile("net.prototxt", text), "TEST", Request())

    return load


@pytest.fixture
def mlp(net_of: Callable[[str], Net]) -> Net:
    """A net with parameters ip1: (3, 4), (3,) and ip2: (2, 3)."""
    return net_of(MLP)


@pytest.fixture
def values() -> dict[str, list[Any]]:
    """Values for all parameters of `mlp`."""
    random = np.random.default_rng(1)
    shapes = {"ip1": [(3, 4), (3,)], "ip2": [(2, 3)]}
    return {k: [random.standard_normal(s, np.float32) for s in v] for k, v in shapes.items()}


@pytest.fixture
def fault_of() -> Callable[..., str]:
    """Runs a call that must end in one NetdefError of a rule, and returns its text."""

    def run(rule: str, call: Callable[..., object], *args: Any, **kwargs: Any) -> str:
        with pytest.raises(NetdefError) as caught:
            call(*args, **kwargs)
        assert {d.rule for d in caught.value.diagnostics} == {rule}
        assert all(d.is_error for d in caught.value.diagnostics)
        return str(caught.value)

    return run
