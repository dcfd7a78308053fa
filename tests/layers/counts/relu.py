"""Operations of ReLU."""

OTHER = {
    "ReLU": (
        2 * 3 * 4,  # a comparison each
        2 * 3 * 2,  # a comparison and a product each
    ),
}
