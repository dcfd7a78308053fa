"""Operations of Log."""

OTHER = {
    "Log": (
        2 * 3 * 4,  # a logarithm each
        2 * 3 * 4 * 4,  # a product, an addition, a logarithm and a product for the base each
        2 * 7 * 3,  # an addition, a logarithm and a product for the base each
        7 * 2,  # a logarithm and a product for the base each
    ),
}
