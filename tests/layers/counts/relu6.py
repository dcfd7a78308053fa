"""Operations of ReLU6."""

OTHER = {
    "ReLU6": (
        2 * 3 * 4 * 2,  # two comparisons each
        2 * 3 * 4 * 3,  # and a product with the slope
        2 * 3 * 4 * 3,
        7 * 2,
    ),
}
