"""Operations of MatMul."""

OTHER = {"MatMul": (0,) * 7}  # multiply-accumulates are all there is
