"""Operations of Reduction."""

OTHER = {
    "Reduction": (
        2 * 3 * 4 * 5,  # sums
        2 * 3 * 4 + 2,  # and a factor for each result
        2 * 3 * 4 * 2,  # magnitudes and sums
        2 * 3 * 4 * 5 * 2 + 2 * 3,  # squares, sums, factors
        2 * 3 + 1,  # sums and a division
        2 * 3 * 4 + 2 * 2,  # sums, divisions, factors
        6 * 2,
    ),
}
