"""Operations of PReLU."""

OTHER = {
    "PReLU": (
        2 * 3 * 4 * 5 * 2,  # a comparison and a product each
        2 * 3 * 4 * 5 * 2,
        2 * 7 * 2,
        2 * 3 * 4 * 2,
    ),
}
