"""Operations of DetectionOutput."""

OTHER = {
    "DetectionOutput": (
        2 * 5 * 8 + 2 * 15,  # images and boxes, eight each; a comparison per score
        2 * 5 * 8 + 2 * 15,
        2 * 15 * 8 + 2 * 15,  # a box per class
        2 * 15 * 8 + 2 * 15,
        2 * 5 * 8 + 2 * 15,
        2 * 5 * 8 + 2 * 15,
    ),
}
