"""Operations of Reshape."""

OTHER = {
    "Reshape": (0,) * 10,  # values are only moved
}
