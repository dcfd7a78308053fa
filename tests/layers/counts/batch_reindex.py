"""Operations of BatchReindex."""

OTHER = {"BatchReindex": (0, 0, 0)}  # items are only moved
