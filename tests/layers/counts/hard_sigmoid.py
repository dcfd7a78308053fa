"""Operations of HardSigmoid and HSigmoid."""

OTHER = {
    **dict.fromkeys(
        ("HardSigmoid", "HSigmoid"),
        (
            2 * 3 * 4 * 4,  # a product, an addition and two comparisons each
            7 * 4,
        ),
    ),
}
