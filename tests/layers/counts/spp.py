"""Operations of SPP: one per value of every bin, padding counted; two for STOCHASTIC."""

OTHER = {
    "SPP": (
        # bins of 8 x 9, 4 x 5 and 2 x 3
        2 * 3 * (8 * 9 + 4 * (4 * 5) + 16 * (2 * 3)),
        # bins of 9 x 13 and 5 x 7
        2 * 3 * (9 * 13 + 4 * (5 * 7)),
        2 * 3 * (4 * 5),
        2 * 3 * (4 * 6 + 4 * (2 * 3)) * 2,
        2 * 3 * (4 * 6 + 4 * (2 * 3)) * 2,
    ),
}
