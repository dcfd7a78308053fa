"""Operations of HingeLoss."""

OTHER = {
    "HingeLoss": (
        5 * 7 * 4,  # a sign, 1 +, a comparison and a sum each
        5 * 7 * 5,  # a square, too
        4 * 3 * 1 * 2 * 4,
    ),
}
