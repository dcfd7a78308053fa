"""Operations of LayerNorm."""

OTHER = {
    # Per element: sum, difference, square, sum, division, product, sum.
    # Per item: two divisions for the mean and the variance, a sum, a root.
    "LayerNorm": (
        2 * 3 * 4 * 7 + 2 * 4,
        2 * 3 * 8 * 7 + 2 * 3 * 4,
        2 * 3 * 4 * 5 * 7 + 2 * 3 * 4,
        2 * 3 * 4 * 5 * 5 + 2 * 4,  # no weights
        2 * 3 * 4 * 5 + 4,  # nor these
        6 * 7 + 4,
    ),
}
