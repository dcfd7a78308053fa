"""Operations of SigmoidCrossEntropyLoss."""

OTHER = {
    "SigmoidCrossEntropyLoss": (
        4 * 6 * 9,  # an exponential, a logarithm, a product, two comparisons, four sums each
        2 * 3 * 4 * 4 * 9,
        4 * 6 * 9,
        4 * 6 * 9,
        4 * 6 * 9,
        4 * 6 * 9,
        4 * 6 * 9,
        4 * 6 * 9,
    ),
}
