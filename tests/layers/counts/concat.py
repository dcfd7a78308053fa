"""Operations of Concat."""

OTHER = {
    "Concat": (0,) * 5,  # values are only moved
}
