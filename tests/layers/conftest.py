"""The code that the example of the Python layer names."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest


class Twice:
    """Doubles its bottom."""

    def setup(self, bottom, top) -> None:
        """Nothing to prepare."""

    def reshape(self, bottom, top) -> None:
        """The same shape."""
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top) -> None:
        """2 x."""
        top[0].data[...] = 2 * bottom[0].data

    def backward(self, top, propagate_down, bottom) -> None:
        """2 dy."""
        if propagate_down[0]:
            bottom[0].diff[...] = 2 * top[0].diff


@pytest.fixture(autouse=True, scope="session")
def _my_layers() -> Iterator[None]:
    module = ModuleType("my_layers")
    module.Twice = Twice
    sys.modules["my_layers"] = module
    yield
    del sys.modules["my_layers"]
