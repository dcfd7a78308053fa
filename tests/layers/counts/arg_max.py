"""Operations of ArgMax."""

OTHER = {
    "ArgMax": (  # a comparison per element, for each of the largest
        2 * 3 * 4 * 5,
        2 * 7 * 3,
        2 * 7,
        2 * 3 * 2 * 2 * 1 * 4,
        2 * 5 * 3 * 4,
        2 * 5 * 3,
        2 * 3 * 5 * 2,
        2 * 4 * 3 * 3,
        4 * 3,
        4 * 2,
        3,
    ),
}
