"""Operations of Convolution: an addition of the bias per output."""

OTHER = {
    "Convolution": (
        2 * 4 * 5 * 7,
        0,  # no bias
        2 * 8 * 6 * 7,
        3 * 2 * 4,
        1 * 2 * 3 * 3 * 3,
        2 * 2 * 3 * 4 * 3 * 3,
        2 * 3 * 3 * 3 * 4,
        2 * (1 * 5 * 4 * 4),  # two tops
    ),
}
