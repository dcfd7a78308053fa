"""Operations of Deconvolution: an addition of the bias per output."""

OTHER = {
    "Deconvolution": (
        2 * 4 * 7 * 8,
        0,  # no bias
        2 * 6 * 8 * 4,
        2 * 2 * 9,
        1 * 2 * 6 * 3 * 5,
        2 * 2 * 5 * 3 * 3 * 5,
        2 * 2 * 3 * 4 * 4,
        0,
        2 * (1 * 5 * 4 * 4),  # two tops
    ),
}
