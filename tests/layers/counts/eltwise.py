"""Operations of Eltwise."""

OTHER = {
    "Eltwise": (
        2 * 3 * 4 * 5,  # two bottoms: an addition each
        2 * 3 * (2 + 2),  # three bottoms: two additions each, and a product for -0.5 and for 2
        2 * 3 * (1 + 1),  # an addition, and a product for -2
        2 * 3 * 4 * 2,  # three bottoms: two products each
        2 * 3,
        2 * 3 * 4 * 2,  # three bottoms: two comparisons each
    ),
}
