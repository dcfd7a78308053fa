"""Operations of poolings over regions."""

OTHER = {
    "ROIPooling": (
        4 * 3 * 9 * 12,  # regions, channels, cells: a comparison each
        6 * 2 * 9 * 12,
    ),
    "PSROIPooling": (
        2 * 18 * 9 * 12 * 2 + 4 * 2 * 3 * 3 * 4,  # two sums per value, four operations per bin
        2 * 12 * 9 * 12 * 2 + 6 * 3 * 2 * 2 * 4,
    ),
}
