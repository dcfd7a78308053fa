"""Operations of Crop."""

OTHER = {"Crop": (0,) * 7}  # values are only copied
