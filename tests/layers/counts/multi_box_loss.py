"""Operations of MultiBoxLoss."""

# 16 for the IoU of each of 8 prior boxes with each of 3 objects: two areas (3 each), four edges
# (4), an overlap (3), a union (2), a quotient. A softmax (5) of 3 classes per image and box.
_ALL = 8 * 3 * 16 + 2 * 8 * 3 * 5

OTHER = {"MultiBoxLoss": (_ALL,) * 11}
