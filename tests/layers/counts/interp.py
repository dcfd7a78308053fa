"""Operations of Interp: four products and three additions per value of the top."""

OTHER = {
    "Interp": (
        2 * 3 * 9 * 11 * 7,
        2 * 3 * 3 * 1 * 7,
        2 * 3 * 9 * 13 * 7,
        2 * 3 * 3 * 3 * 7,
        1 * 2 * 7 * 7 * 7,
        2 * 3 * 4 * 9 * 7,
        2 * 3 * 6 * 6 * 7,
    ),
}
