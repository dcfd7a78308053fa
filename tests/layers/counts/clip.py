"""Operations of Clip."""

OTHER = {
    "Clip": (
        2 * 3 * 4 * 5 * 2,  # two comparisons each
        2 * 9 * 2,
        7 * 2,
    ),
}
