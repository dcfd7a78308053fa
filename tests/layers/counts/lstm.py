"""Operations of LSTM, beside the products of its matrices."""

# Per step, sequence and unit: a bias for each of four gates; four activations; for the cell two
# products and a sum; for the output a tanh and a product; two states times the marker.
UNIT = 4 + 4 + 3 + 2 + 2

OTHER = {
    "LSTM": (
        4 * 2 * 3 * UNIT,  # steps, sequences, units
        3 * 2 * 4 * UNIT,
        4 * 2 * 3 * (UNIT + 4),  # the static input is added to four gates
        4 * 2 * 3 * UNIT,
        1 * 3 * 2 * (UNIT + 4),
    ),
}
