"""Operations of TanH."""

OTHER = {
    "TanH": (
        2 * 3 * 4 * 5 * 5,  # two exponentials, an addition, a subtraction and a division each
        7 * 5,
    ),
}
