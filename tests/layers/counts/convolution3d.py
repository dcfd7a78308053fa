"""Operations of Convolution3D: an addition of the bias per output."""

OTHER = {
    "Convolution3D": (
        2 * 4 * 4 * 5 * 6,
        0,  # no bias
    ),
}
