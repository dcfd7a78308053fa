"""Operations of Filter."""

OTHER = {
    "Filter": (
        5,  # a comparison per selector
        4,
    ),
}
