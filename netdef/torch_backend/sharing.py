"""A module with parameters that are another's, in another shape (`share_mode: PERMISSIVE`)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call


class ViewsOfShared(nn.Module):
    """Runs a module with some parameters taken from elsewhere."""

    def __init__(
        self, module: nn.Module, views: Mapping[str, tuple[Tensor, tuple[int, ...]]]
    ) -> None:
        """Run `module`; `views` gives by name whose values it reads, and in which shape."""
        super().__init__()
        self.module = module
        self._shapes = {name: shape for name, (_, shape) in views.items()}
        self._values = nn.ParameterList(values for values, _ in views.values())

    def forward(self, *inputs: Tensor) -> Any:
        """Run with the shared values in the module's own shapes."""
        shared = zip(self._shapes.items(), self._values, strict=True)
        views = {name: values.view(shape) for (name, shape), values in shared}
        return functional_call(self.module, views, inputs)
