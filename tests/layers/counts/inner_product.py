"""Operations of InnerProduct: an addition of the bias per output."""

OTHER = {
    "InnerProduct": (
        1 * 10,
        2 * 7,
        0,  # no bias
    ),
}
