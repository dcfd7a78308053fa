"""Operations of HDF5Data: reading computes nothing."""

OTHER = {"HDF5Data": (0, 0)}
