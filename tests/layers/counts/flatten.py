"""Operations of Flatten."""

OTHER = {
    "Flatten": (0,) * 7,  # values are only moved
}
