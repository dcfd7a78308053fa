"""Operations of InfogainLoss."""

_SPATIAL = 2 * 4 * 3 * 2 * 9

OTHER = {
    "InfogainLoss": (
        5 * 4 * 9,  # a softmax (5), a logarithm, a comparison, a product and a sum each
        _SPATIAL,
        2 * 3 * 4 * 9,
        _SPATIAL,
        _SPATIAL,
        _SPATIAL,
        _SPATIAL,
    ),
}
