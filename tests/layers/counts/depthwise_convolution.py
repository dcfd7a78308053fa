"""Operations of DepthwiseConvolution: an addition of the bias per output."""

OTHER = {
    "DepthwiseConvolution": (
        2 * 4 * 4 * 3,
        0,  # no bias
        2 * (1 * 2 * 2 * 2),  # two tops
    ),
}
