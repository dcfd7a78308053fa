"""Runs `netdef` commands in children that are forked after the imports, one at a time.

Starting a process and importing torch takes seconds; a child that is forked afterwards is there at
once. Run as a script: a line of JSON with `arguments`, `folder` and `limit` (the largest file that
may be written, bytes, or null) on standard input starts a child, whose output is in FOLDER/output.
Its process id is answered, and "ended" when it has ended; then one more line is awaited, and its
exit code answered, or the negative number of the signal that ended it.
"""

import json
import os
import resource
import sys
import traceback
from typing import NoReturn

import h5py  # noqa: F401
import matplotlib.figure  # noqa: F401
import rich.progress  # noqa: F401

import netdef.cli.train
import netdef.data.loader
import netdef.training.solver  # noqa: F401
from netdef.cli import main


def serve() -> None:
    """Start a child for each line, and wait for it."""
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            run(**request)
        print(child, flush=True)
        # It is not reaped before its end was told: until then its id cannot become another's.
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        print("ended", flush=True)
        sys.stdin.readline()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def run(arguments: list[str], folder: str, limit: int | None) -> NoReturn:
    """Run a command and end with its exit code, as a process of its own would."""
    os.chdir(folder)
    output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    code = 1
    try:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        main(arguments, "netdef")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
