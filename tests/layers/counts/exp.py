"""Operations of Exp."""

OTHER = {
    "Exp": (
        2 * 3 * 4 * 5,  # an exponential each
        2 * 7 * 3,  # a product, an addition and an exponential each
        7 * 3,
        2 * 3 * 4 * 2,  # a product (with the logarithm of the base) and an exponential each
    ),
}
