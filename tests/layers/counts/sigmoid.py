"""Operations of Sigmoid."""

OTHER = {
    "Sigmoid": (
        2 * 3 * 4 * 5 * 3,  # an exponential, an addition and a division each
        7 * 3,
    ),
}
