"""Operations of SoftmaxWithLoss."""

_SPATIAL = 2 * 5 * 3 * 4 * 5 + 2 * 3 * 4 * 3

OTHER = {
    "SoftmaxWithLoss": (
        # A softmax is 5 per score; then a comparison, a logarithm and a sum per label.
        4 * 10 * 5 + 4 * 3,
        4 * 10 * 5 + 4 * 3,
        _SPATIAL,
        _SPATIAL,
        _SPATIAL,
        _SPATIAL,
        _SPATIAL,
        _SPATIAL,
        _SPATIAL,
        2 * 3 * 4 * 4 * 5 + 2 * 4 * 4 * 3,
        2 * 3 * 7 * 5 + 2 * 3 * 3,
    ),
}
