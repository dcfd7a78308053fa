"""Cross entropy of probabilities."""

import torch
from torch import Tensor, nn

from netdef.torch_backend.ops.labels import LOG_THRESHOLD, class_index


class MultinomialLogisticLoss(nn.Module):
    """Mean of -log p[label]; a scalar."""

    def forward(self, p: Tensor, labels: Tensor) -> Tensor:
        """Map probabilities (N, ...) and N labels, indices of the flattened ones, to a scalar."""
        # Half precision has no room for the bound.
        rows = p.flatten(1).to(torch.promote_types(p.dtype, torch.float32))
        index, known, _ = class_index(labels, rows.shape, 1)
        true = rows.gather(1, index.unsqueeze(1)).squeeze(1)
        # Caffe's gradient is 1 / bound where the bound holds.
        bounded = true.detach().clamp(min=LOG_THRESHOLD) + (true - true.detach())
        return -bounded.log().where(known, torch.nan).sum() / max(1, p.shape[0])
