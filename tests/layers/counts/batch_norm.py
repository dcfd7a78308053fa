"""Operations of BatchNorm.

By the stored statistics, per element a subtraction and a product; by the batch's own, four more:
an addition for the mean, and a subtraction, a square and an addition for the variance.
"""

OTHER = {
    "BatchNorm": (
        2 * 3 * 4 * 5 * 2,
        4 * 6 * 2,
        4 * 3 * 2 * (2 + 4),  # TRAIN
        8 * 3 * (2 + 4),  # use_global_stats: false
        5 * 2,
    ),
}
