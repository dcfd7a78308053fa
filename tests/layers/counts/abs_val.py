"""Operations of AbsVal."""

OTHER = {
    "AbsVal": (
        2 * 3 * 4 * 5,  # a comparison each
        7,
    ),
}
