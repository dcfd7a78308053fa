"""Distance of features from the centre of their class."""

import torch
from torch import Tensor, nn

from netdef.torch_backend.ops.labels import class_index


class CenterLoss(nn.Module):
    """Half the mean squared distance from the centre of each item's class; a scalar.

    The centres' gradient is not that of the loss: a class of n items in the batch gets the sum of
    (centre - item), divided by 1 + n, whatever the loss weight.

    Args:
        classes: Number of classes.
        features: Number of features of an item.
        loss_weight: The weight of the loss, which the centres' gradient does not have.
    """

    def __init__(self, classes: int, features: int, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.empty(classes, features))
        self.loss_weight = loss_weight

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Map features (N, ...) and N labels to a scalar."""
        # Half precision has no room for the sum.
        dtype = torch.promote_types(x.dtype, torch.float32)
        centers = self.centers.to(dtype)
        items = x.flatten(1).to(dtype)
        index, known, _ = class_index(labels, (len(items), len(centers)), 1)
        apart = items - centers.detach()[index]
        costs = apart.square().sum(1).where(known, torch.nan)
        loss = costs.sum() / (2 * max(1, x.shape[0]))
        pull = _pull(apart.detach(), index, len(centers))
        moved = (centers * pull).sum() / self.loss_weight
        return loss + (moved - moved.detach())

    def extra_repr(self) -> str:
        """Describe the settings."""
        classes, features = self.centers.shape
        return f"{classes} classes, {features} features"


def _pull(apart: Tensor, index: Tensor, classes: int) -> Tensor:
    """Return the gradient of each class's centre."""
    none = apart.new_zeros(classes, apart.shape[1])
    # With `accumulate`, the order of the sums is fixed on a GPU, too.
    sums = none.index_put((index,), -apart, accumulate=True)
    numbers = none[:, 0].index_put((index,), torch.ones_like(apart[:, 0]), accumulate=True)
    return sums / (1 + numbers).unsqueeze(1)
