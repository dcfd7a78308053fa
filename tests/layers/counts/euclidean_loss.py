"""Operations of EuclideanLoss."""

OTHER = {
    "EuclideanLoss": (
        4 * 5 * 3,  # a difference, a square and a sum each
        2 * 3 * 4 * 5 * 3,
        4 * 5 * 3,
    ),
}
