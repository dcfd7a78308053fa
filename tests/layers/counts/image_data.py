"""Operations of ImageData: reading computes nothing."""

OTHER = {"ImageData": (0, 0, 0)}
