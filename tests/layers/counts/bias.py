"""Operations of Bias."""

OTHER = {
    "Bias": (  # a sum each
        2 * 3 * 4 * 5,
        2 * 3,
        2 * 3 * 4 * 5,
        2 * 3 * 4,
        2 * 3,
        2 * 3 * 4,
        2 * 3 * 4,
        2 * 3,
    ),
}
