"""Operations of PriorBox."""

OTHER = {
    "PriorBox": (
        15 * 1 * 4 * 2,  # cells, boxes, coordinates, a sum and a quotient each
        15 * 6 * 4 * 2,  # min, max, 2, 1/2, 3, 1/3
        15 * 8 * 4 * (2 + 2),  # cut, too; twice: min, max, 2, 1/2
        15 * 1 * 4 * 2,
        15 * 1 * 4 * 2,
    ),
}
