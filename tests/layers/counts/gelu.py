"""Operations of GELU."""

OTHER = {
    "GELU": (
        2 * 3 * 4 * 5 * 5,  # two divisions, an error function, an addition and a product each
        7 * 5,
    ),
}
