"""Operations of SmoothL1LossOHEM."""

OTHER = {
    "SmoothL1LossOHEM": (
        3 * 8 * 6,  # a difference, three products, a comparison and a sum each
        3 * 8 * 7,  # a product with the weight, too
        2 * 8 * 3 * 4 * 8,  # and a sum for the second top
        3 * 8 * 7,  # the sum for the second top, no weight
        2 * 8 * 3 * 4 * 6,
    ),
}
