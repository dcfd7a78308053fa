"""Operations of ContrastiveLoss."""

OTHER = {
    "ContrastiveLoss": (
        # A difference, a square and a sum per element. Per pair a root, what it lacks, a
        # comparison, a square and a sum.
        6 * 4 * 3 + 6 * 5,
        6 * 4 * 3 + 6 * 5,
        4 * 5 * 3 + 4 * 5,
    ),
}
