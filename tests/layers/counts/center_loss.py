"""Operations of CenterLoss."""

OTHER = {
    "CenterLoss": (
        6 * 4 * 3,  # a difference, a square and a sum each
        4 * 2 * 3 * 1 * 3,
    ),
}
