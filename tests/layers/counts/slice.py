"""Operations of Slice."""

OTHER = {
    "Slice": (0,) * 7,  # values are only moved
}
