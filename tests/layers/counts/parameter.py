"""Operations of Parameter."""

OTHER = {"Parameter": (0, 0, 0)}  # it is there
