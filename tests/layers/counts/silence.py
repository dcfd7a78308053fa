"""Operations of Silence."""

OTHER = {
    "Silence": (0, 0),  # nothing is computed
}
