"""Operations of Accuracy."""

OTHER = {
    "Accuracy": (
        9 * 5 * 2,  # per score a comparison with the true one, and an addition
        9 * 7 * 2,
        30 * 4 * 2,
        3 * 5 * 4 * 2 * 2,
        3 * 4 * 5 * 2,
    ),
}
