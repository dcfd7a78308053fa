"""Operations of Scale."""

OTHER = {
    "Scale": (
        2 * 3 * 4 * 5,  # a product each
        2 * 3 * 2,  # a product and a sum each
        2 * 3 * 4 * 5 * 2,
        2 * 3 * 4,
        2 * 3 * 2,
        2 * 3 * 4,
        2 * 3 * 4 * 2,
        2 * 3 * 2,
    ),
}
