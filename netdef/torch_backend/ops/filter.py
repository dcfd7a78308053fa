"""Selection of items of a batch."""

from torch import Tensor, nn


class Filter(nn.Module):
    """Keep the rows for which the last input is not 0, of all other inputs."""

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Map blobs (N, ...) and a selector of N elements to blobs (M, ...), M <= N."""
        *blobs, selector = inputs
        rows = selector.flatten().nonzero().squeeze(1)
        kept = tuple(blob.index_select(0, rows) for blob in blobs)
        return kept[0] if len(kept) == 1 else kept
