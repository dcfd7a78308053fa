"""Operations of Threshold."""

OTHER = {
    "Threshold": (
        2 * 3 * 4 * 5,  # a comparison each
        2 * 7,
        7,
    ),
}
