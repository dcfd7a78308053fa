"""Operations of Dropout."""

OTHER = {
    "Dropout": (
        0,  # phase TEST passes its input on
        4 * 16,  # a product with 1 - ratio each
        0,  # nothing is dropped
        4 * 16 * 2,  # a comparison and a product each
        4 * 16 * 2,
        4 * 16 * 2,
    ),
}
