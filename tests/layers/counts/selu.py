"""Operations of SELU under its three names."""

OTHER = {
    **dict.fromkeys(
        ("SELU", "SeLU", "SeLu"),
        (
            2 * 3 * 4 * 5 * 5,  # a comparison, an exponential, a subtraction and two products each
            7 * 5,
        ),
    ),
}
