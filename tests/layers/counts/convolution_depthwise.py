"""Operations of ConvolutionDepthwise: an addition of the bias per output."""

OTHER = {
    "ConvolutionDepthwise": (
        2 * 4 * 4 * 3,
        0,  # no bias
    ),
}
