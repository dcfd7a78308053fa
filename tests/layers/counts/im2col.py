"""Operations of Im2col: it only moves values."""

OTHER = {"Im2col": (0, 0, 0, 0, 0)}
