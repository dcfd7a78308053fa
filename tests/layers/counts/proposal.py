"""Operations of the layers that propose regions."""

OTHER = {
    # Anchors and cells; centre, size, corners, cut, judged.
    "Proposal": (4 * 3 * 4 * (4 + 4 + 6 + 8 + 6),) * 2,
    "ProposalLayer": (9 * 3 * 4 * (4 + 4 + 6 + 8 + 6),) * 3,
}
