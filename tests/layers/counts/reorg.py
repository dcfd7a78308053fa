"""Operations of Reorg."""

OTHER = {"Reorg": (0,) * 6}  # values are only moved
