"""Operations of RNN, beside the products of its matrices."""

# Per step, sequence and unit: a bias and a tanh; the same for the output; a state times the marker.
UNIT = 2 + 2 + 1

OTHER = {
    "RNN": (
        4 * 2 * 3 * UNIT,  # steps, sequences, units
        3 * 2 * 4 * UNIT,
        4 * 2 * 3 * (UNIT + 1),  # the static input is added
        4 * 2 * 3 * UNIT,
        1 * 3 * 2 * (UNIT + 1),
    ),
}
