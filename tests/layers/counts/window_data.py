"""Operations of WindowData: reading computes nothing."""

OTHER = {"WindowData": (0, 0)}
