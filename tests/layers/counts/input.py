"""Operations of Input: reading computes nothing."""

OTHER = {"Input": (0,)}
