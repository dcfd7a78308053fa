"""Operations of MemoryData: reading computes nothing."""

OTHER = {"MemoryData": (0, 0)}
