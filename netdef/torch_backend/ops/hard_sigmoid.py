"""Hard sigmoid."""

from torch import Tensor, nn
from torch.nn import functional


class HardSigmoid(nn.Module):
    """slope * x + 0.5, limited to what is between 0 and 1; torch's own has the slope 1/6."""

    def __init__(self, slope: float = 0.2) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """Map any shape to the same shape."""
        return functional.hardtanh(self.slope * x + 0.5, 0.0, 1.0)

    def extra_repr(self) -> str:
        """Describe the slope."""
        return f"{self.slope:g}"
