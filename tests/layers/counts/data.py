"""Operations of Data: reading computes nothing."""

OTHER = {"Data": (0, 0)}
