"""Operations of Swish."""

OTHER = {
    "Swish": (
        2 * 3 * 4 * 5 * (3 + 1),  # a sigmoid (exponential, addition, division) and a product each
        2 * 7 * (1 + 3 + 1),  # and a product with beta
        7 * (1 + 3 + 1),
    ),
}
