"""Operations of Permute."""

OTHER = {"Permute": (0,) * 5}  # values are only moved
