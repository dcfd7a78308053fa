"""`python -m netdef`: the command line, also for torchrun's `-m netdef`."""

from netdef.cli import main

main(prog_name="netdef")
