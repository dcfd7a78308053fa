"""Operations of LSTMUnit."""

# Four gates' activations and the cell's; the marker; three for the cell; one for the output.
UNIT = 5 + 1 + 3 + 1

OTHER = {
    "LSTMUnit": (
        3 * 4 * UNIT,  # sequences, units
        1 * 1 * UNIT,
    ),
}
