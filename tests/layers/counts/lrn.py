"""Operations of LRN.

Per element: its square, an addition for each neighbour, the product with alpha / n, the addition of
k, a power and the product with x.
"""

OTHER = {
    "LRN": (
        2 * 7 * 3 * 4 * (1 + 5 + 4),
        1 * 6 * 2 * 3 * (1 + 5 + 4),
        2 * 2 * 3 * 3 * (1 + 3 + 4),
        1 * 3 * 2 * 2 * (1 + 7 + 4),
        2 * 3 * 5 * 7 * (1 + 3 * 3 + 4),  # within a channel: 3 x 3 neighbours
        1 * 2 * 3 * 8 * (1 + 5 * 5 + 4),
    ),
}
