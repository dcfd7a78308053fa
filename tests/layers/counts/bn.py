"""Operations of BN.

Per element a product with the factor and a sum with the bias; a subtraction and a product to
normalise; for the batch's own statistics an addition for the mean, and a subtraction, a square and
an addition for the variance. INFERENCE only has the first two.
"""

_OTHER = (
    2 * 3 * 4 * 5 * (2 + 2),
    4 * 3 * 2 * 2 * (2 + 2 + 4),  # TRAIN
    2 * 3 * 4 * (2 + 2),  # frozen
    4 * 6 * (2 + 2),
    2 * 3 * 4 * 5 * (2 + 2 + 4),  # LEARN, in TEST
    6 * 3 * (2 + 2 + 4),
    2 * 3 * 4 * 5 * 2,
    2 * 3 * 2 * 2 * 2 * 2,
)
OTHER = {"BN": _OTHER, "SyncBN": _OTHER}
