"""Operations of MultinomialLogisticLoss."""

OTHER = {
    "MultinomialLogisticLoss": (
        5 * 3,  # a comparison, a logarithm and a sum per item
        4 * 3,
    ),
}
