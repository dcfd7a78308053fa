"""The largest values of an axis, or where they are."""

import torch
from torch import Tensor, nn


class ArgMax(nn.Module):
    """Find the `top_k` largest along an axis; of equal ones the larger index comes first.

    Args:
        top_k: How many.
        axis: The axis to search along; None for all after the first, flattened.
        values: Along an axis, return the values in place of their indices; without one, both.
    """

    def __init__(self, top_k: int = 1, axis: int | None = None, values: bool = False) -> None:
        super().__init__()
        self.top_k = top_k
        self.axis = axis
        self.values = values

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, ...) to (N, 1 or 2, top_k, 1, ...), or an axis to one of `top_k`."""
        # Half precision has no room for large indices.
        x = x.detach().to(torch.promote_types(x.dtype, torch.float32))
        if self.axis is not None:
            index = self._largest(x, self.axis)
            return x.gather(self.axis, index) if self.values else index.to(x.dtype)
        flat = x.unsqueeze(-1).flatten(1)
        index = self._largest(flat, 1)
        found = [index.to(x.dtype)]
        if self.values:
            found.append(flat.gather(1, index))
        top = torch.stack(found, 1)
        return top.reshape(top.shape + (1,) * (x.dim() - 3))

    def _largest(self, x: Tensor, axis: int) -> Tensor:
        """Return the indices; torch puts the smaller of two first, so the axis is reversed."""
        reverse = x.flip(axis)
        if self.top_k == 1:
            place = reverse.argmax(axis, keepdim=True)
        else:
            places = reverse.sort(dim=axis, descending=True, stable=True).indices
            place = places.narrow(axis, 0, self.top_k)
        return x.shape[axis] - 1 - place

    def extra_repr(self) -> str:
        """Describe the settings."""
        return f"top_k={self.top_k}, axis={self.axis}, values={self.values}"
