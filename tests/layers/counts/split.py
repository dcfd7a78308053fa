"""Operations of Split."""

OTHER = {
    "Split": (0,) * 2,  # values are only moved
}
