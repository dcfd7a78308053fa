"""Operations of ShuffleChannel."""

OTHER = {"ShuffleChannel": (0,) * 4}  # values are only moved
