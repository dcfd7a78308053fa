"""Operations of FocalLoss."""

_SPATIAL = 2 * 5 * 3 * 4 * 5 + 2 * 3 * 4 * 7

OTHER = {
    "FocalLoss": (
        # A softmax is 5 per score; then a comparison, a logarithm, a difference, a power, two
        # products and a sum per label.
        4 * 10 * 5 + 4 * 7,
        _SPATIAL,
        _SPATIAL,
        _SPATIAL,
        _SPATIAL,
        _SPATIAL,
        _SPATIAL,
        2 * 3 * 7 * 5 + 2 * 3 * 7,
    ),
}
