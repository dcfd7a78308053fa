"""Operations of HardSwish under its two names."""

OTHER = {
    **dict.fromkeys(
        ("HardSwish", "HSwish"),
        (
            2 * 3 * 4 * 5,  # an addition, two comparisons, a product and a division each
            7 * 5,
        ),
    ),
}
