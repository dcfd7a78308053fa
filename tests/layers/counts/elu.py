"""Operations of ELU."""

OTHER = {
    "ELU": (
        2 * 3 * 4 * 5 * 3,  # a comparison, an exponential and a subtraction each
        2 * 7 * 4,  # and a product with alpha
        7 * 4,
    ),
}
