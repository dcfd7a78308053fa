"""Operations of Embed."""

OTHER = {
    "Embed": (  # a sum per value where there is a bias
        4 * 3 * 5,
        0,
        2 * 1 * 2 * 2 * 2,
        3,
    ),
}
