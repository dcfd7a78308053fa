"""Sum, product or maximum of several inputs."""

import torch
from torch import Tensor, nn


class Eltwise(nn.Module):
    """Combine inputs of one shape by "sum", "prod" or "max"; `coeff` are the factors of a sum."""

    def __init__(self, operation: str = "sum", coeff: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.operation = operation
        self.coeff = coeff

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        if self.operation == "sum":
            return self._sum(first, others)
        result = first
        for i, x in enumerate(others):
            if self.operation == "prod":
                result = result * x
            # torch.maximum would share the gradient where two tie. In Caffe it is the second
            # input's; from the third on an input gets it only where it is larger than all before.
            elif i == 0:
                result = torch.where(result > x, result, x)
            else:
                result = torch.where(x > result, x, result)
        return result

    def _sum(self, first: Tensor, others: tuple[Tensor, ...]) -> Tensor:
        factor, *factors = self.coeff or (1.0,) * (len(others) + 1)
        result = first if factor == 1 else first * factor
        for x, factor in zip(others, factors, strict=True):
            result = torch.add(result, x, alpha=factor)
        return result

    def expression(self, *inputs: str) -> str | None:
        """Return it as a person writes it."""
        sign = {"sum": " + ", "prod": " * "}.get(self.operation)
        plain = sign and not any(c != 1 for c in self.coeff)
        return sign.join(inputs) if sign and plain else None

    def extra_repr(self) -> str:
        """Name the operation."""
        return f"{self.operation}, coeff={self.coeff}"
