"""Operations of Softmax."""

OTHER = {
    "Softmax": (
        # A comparison (for the largest), a subtraction, an exponential, an addition, a division.
        2 * 5 * 5,
        2 * 3 * 4 * 5 * 5,
        2 * 3 * 4 * 5 * 5,
        2 * 3 * 4 * 5,
        6 * 5,
    ),
}
