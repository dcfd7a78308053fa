"""Operations of Mish."""

OTHER = {
    "Mish": (
        2 * 3 * 4 * 5 * (3 + 5 + 1),  # exponential, addition, logarithm; a TanH; a product
        2 * 9 * (3 + 5 + 1),
    ),
}
