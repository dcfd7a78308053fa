"""Operations of Normalize."""

OTHER = {
    # Per element: square, sum, division, product. Per norm: sum, root.
    "Normalize": (
        2 * 3 * 4 * 5 * 4 + 2 * 2,
        2 * 3 * 4 * 5 * 4 + 2 * 4 * 5 * 2,
        2 * 3 * 4 * 4 + 2 * 2,
        2 * 3 * 4 * 5 * 4 + 2 * 4 * 5 * 2,
        2 * 7 * 4 + 2 * 2,
        2 * 7 * 4 + 2 * 2,
    ),
}
