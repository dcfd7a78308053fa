"""Operations of Upsample: it only moves values."""

OTHER = {"Upsample": (0, 0, 0, 0, 0, 0, 0)}
