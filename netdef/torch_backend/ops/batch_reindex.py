"""Items of a batch in another order."""

import math

from torch import Tensor, nn
from torch.nn import functional


class BatchReindex(nn.Module):
    """Gather the items whose numbers the second input holds.

    An item that is taken several times gets the sum of the gradients.
    """

    def forward(self, x: Tensor, items: Tensor) -> Tensor:
        """Map x (N, ...) and numbers (M) from 0 to N - 1 to (M, ...)."""
        index = items.long()
        known = (index >= 0) & (index < x.shape[0])
        if x.is_cuda:  # there, a wrong index would end every program of the process
            index = index.where(known, 0)
        # On a CPU it checks the index; on a GPU its gradient is summed in a fixed order.
        rows = functional.embedding(index, x.unsqueeze(-1).flatten(1))
        rows = rows.where(known.unsqueeze(-1), math.nan)
        return rows.reshape(items.shape + x.shape[1:])
