"""Operations of BNLL."""

OTHER = {
    "BNLL": (
        2 * 3 * 4 * 5 * 3,  # an exponential, an addition and a logarithm each
        2 * 9 * 3,
    ),
}
