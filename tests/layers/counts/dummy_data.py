"""Operations of DummyData: a random number per value."""

OTHER = {
    "DummyData": (
        0,  # constants
        0,
        4 * 6 * 2,  # two tops of one filler
        2 * 3 * 1 * 1,  # the first top only; the second is constant
    ),
}
