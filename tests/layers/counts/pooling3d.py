"""Operations of Pooling3D: a comparison or an addition per value of every window."""

OTHER = {
    "Pooling3D": (
        1 * 3 * (3 * 4 * 4) * (1 * 2 * 2),  # channels of the batch, windows, values of a window
        2 * 2 * (3 * 3 * 4) * (2 * 3 * 3),
        2 * 2 * (2 * 3 * 2) * (1 * 1 * 1),
        2 * 2 * (2 * 4 * 3) * (2 * 3 * 3),
        1 * 2 * (3 * 4 * 4) * (2 * 2 * 2),
        2 * 2 * (2 * 2 * 3) * (2 * 2 * 2) * 2,  # the sum of the values and that of their squares
        2 * 2 * (2 * 2 * 3) * (2 * 2 * 2) * 2,  # the sum, then the search for what is drawn
    ),
}
