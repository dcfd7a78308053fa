"""Operations of SmoothL1Loss."""

OTHER = {
    "SmoothL1Loss": (
        3 * 8 * 6,  # a difference, three products, a comparison and a sum each
        3 * 8 * 7,  # a product with the weight, too
        2 * 8 * 3 * 4 * 8,  # with both weights
        2 * 8 * 3 * 4 * 8,
        3 * 8 * 6,
    ),
}
