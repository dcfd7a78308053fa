"""Operations of MVN."""

OTHER = {
    # Per element: sum, difference, and for the variance square, sum, division.
    # Per mean: a division, and for the variance a division, a root, a sum.
    "MVN": (
        2 * 3 * 4 * 5 * 5 + 2 * 3 * 4,
        2 * 3 * 4 * 5 * 5 + 2 * 4,
        2 * 3 * 4 * 2 + 2 * 3,
        2 * 3 * 2 * 2 * 2 + 2,
        2 * 3 * 6 * 5 + 2 * 3 * 4,
        2 * 7 * 5 + 2 * 4,
        3 * 5 + 3 * 4,
    ),
}
