"""Going on from whatever snapshot of a run is the newest that can be used."""

from dataclasses import replace
from pathlib import Path

from netdef.source import Diagnostic, NetdefError, Severity, error
from netdef.training.snapshots import newest_intact
from netdef.training.solver import Solver


def resume_newest(solver: Solver) -> tuple[Path | None, list[Diagnostic]]:
    """Restore the newest snapshot of a solver's prefix that can be used.

    Returns:
        Its state's path, None where there are no snapshots; and, as warnings, what is wrong with
        newer ones.

    Raises:
        NetdefError: There are snapshots, but all of them are broken; or the one to use belongs to
            another net or solver.
    """
    states = solver.snapshots.states()
    path, faults = newest_intact(states)
    broken = [diagnostic for fault in faults for diagnostic in fault.diagnostics]
    if states and path is None:
        text = f"none of the snapshots {solver.prefix}_iter_* can be used"
        note = "remove them to start afresh"
        raise NetdefError([*broken, error("bad-state-file", text, note=note)])
    # The others take the one that the first has found, though a disk may show them another.
    chosen = solver.workers.agree_on(-1 if path is None else states.index(path))
    if chosen < 0:
        return None, []
    solver.restore(states[chosen])
    return states[chosen], [replace(fault, severity=Severity.WARNING) for fault in broken]
