"""Operations of Deconvolution3D: an addition of the bias per output."""

OTHER = {
    "Deconvolution3D": (
        2 * 4 * 4 * 6 * 4,
        0,  # no bias
    ),
}
