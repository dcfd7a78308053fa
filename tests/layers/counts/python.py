"""Operations of layers that are code or write files: none that could be counted."""

OTHER = {
    "Python": (0,),
    "HDF5Output": (0,),
}
