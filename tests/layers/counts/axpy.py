"""Operations of Axpy."""

OTHER = {
    "Axpy": (  # a product and a sum each
        2 * 3 * 4 * 5 * 2,
        2 * 3 * 4 * 5 * 2,
        2 * 3 * 4 * 2,
        2 * 3 * 2,
    ),
}
