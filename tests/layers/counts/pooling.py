"""Operations of Pooling: a comparison or an addition per value of every window."""

OTHER = {
    "Pooling": (
        2 * 3 * (4 * 5) * (2 * 2),  # channels of the batch, windows, values of a window
        2 * 3 * (4 * 2) * (3 * 3),
        2 * 3 * (5 * 5) * (3 * 3),  # of padding, too
        1 * 2 * (4 * 9) * (2 * 3),
        2 * 3 * (3 * 2) * (3 * 3),
        2 * 3 * (3 * 4) * (3 * 3),  # the index comes with the maximum
        2 * 2 * (4 * 5) * (3 * 3),
        2 * 3 * (4 * 5),  # one window, the whole plane
        2 * 3 * (4 * 5),
        1 * 2 * (4 * 2) * (3 * 3),
        2 * 3 * (5 * 4) * (3 * 3),
        2 * 3 * (3 * 4) * (2 * 2),
        1 * 3 * (4 * 3) * (4 * 4),
        2 * 3 * (4 * 4) * (3 * 3),
        2 * 3 * (4 * 5),
        2 * 3 * (4 * 3) * (3 * 3) * 2,  # the sum of the values and that of their squares
        2 * 3 * (3 * 3) * (2 * 2) * 2,  # the sum, then the search for what is drawn
        2 * 3 * 4 * 3,
        2 * 3 * 3 * 4,
        2 * 3 * 4 * 1,
        2 * 3 * 7,
        2 * 3 * (3 * 4 * 5) * (2 * 3 * 3),
        1 * 2 * (3 * 3 * 3) * (1 * 2 * 2),
        2 * 2 * (3 * 4 * 4) * (2 * 3 * 2),
        2 * 2 * (2 * 2 * 3) * (2 * 2 * 2) * 2,
        2 * 3 * (2 * 4 * 5),
    ),
}
