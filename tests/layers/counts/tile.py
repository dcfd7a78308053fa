"""Operations of Tile."""

OTHER = {"Tile": (0,) * 5}  # values are only copied
