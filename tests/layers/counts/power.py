"""Operations of Power."""

OTHER = {
    "Power": (
        0,  # the bottom itself
        2 * 7 * 2,  # a product and an addition each
        7,  # a power each
        2 * 3 * 4 * 3,  # a product, an addition and a power each
        2 * 7 * 2,  # an addition and a power each
        0,  # a constant
        0,
    ),
}
