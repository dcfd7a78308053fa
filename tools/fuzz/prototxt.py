"""Coverage-guided fuzzing of everything between the bytes of a prototxt and its diagnostics.

Each input is written to a file and checked as `netdef check` does it: read, parsed, upgraded,
bound, passed through every pass for both phases, rendered. Whatever ends in anything but a list of
diagnostics is a crash, and so is a faultless text of which the two lexers make different trees.

    python tools/fuzz/prototxt.py FOLDER [OPTIONS OF LIBFUZZER]

FOLDER gets the seeds (our models, and the nets of the tests) and what is found. See README.md.
"""

import logging
import os
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["netdef"]):
    import netdef
    import netdef.data.probe  # api loads these when they are called for
    import netdef.training.solver_file
    from netdef import catalog
    from netdef.frontend.parse import parse, parse_finely
    from netdef.schema import pb
    from netdef.source import SourceFile
    from netdef.source.render_json import render_json
    from netdef.source.render_text import render_text

    catalog.names()  # imports the layer types

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = Path("/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir())  # noqa: S108

VALUES = [
    *[
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "8",
        "64",
        "-1",
        "-2",
        "0.5",
        "1e9",
        "-0",
        "nan",
        "inf",
        "-inf",
        "1e308",
        "4294967295",
        "4294967296",
    ],
    *[
        "2147483647",
        "-2147483648",
        "9223372036854775807",
        "true",
        "false",
        "TRAIN",
        "TEST",
        "MAX",
        "AVE",
    ],
    '"data"',
    '"label"',
    '""',
    '"a" "b"',
    "[1, 2]",
    "{ }",
    "[{ }, { }]",
    "[]",
]
PIECES = [
    "{",
    "}",
    "<",
    ">",
    "[",
    "]",
    ":",
    ";",
    ",",
    "#",
    "'",
    '"',
    "\\",
    "\n",
    "\r\n",
    "\t",
    "\0",
]


def seeds() -> Iterator[str]:
    """Yield our models, the nets of the tests, and every layer type's examples."""
    import numpy as np

    for folder in (ROOT / "models", ROOT / "tests"):
        for path in sorted(folder.rglob("*.prototxt")):
            yield path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "tests" / "layers" / "conformance").glob("*/*.npz")):
        with np.load(path) as record:
            yield str(record["prototxt"])
    for name in catalog.names():
        kind = catalog.find(name)
        for example in kind.examples if kind else ():
            yield example.prototxt(name)


def words() -> list[str]:
    """Return what is worth inserting: every name of the schema, every layer type."""
    found: set[str] = set(PIECES) | set(VALUES)
    for message in pb.DESCRIPTOR.message_types_by_name.values():
        found |= {field.name for field in message.fields}
        found |= {value.name for enum in message.enum_types for value in enum.values}
    found |= {f'"{name}"' for name in catalog.names()}
    return sorted(found)


WORDS = [word.encode() for word in words()]
TOKEN = re.compile(rb"\"[^\"\n]*\"|[A-Za-z0-9_.+-]+|\s+|.", re.DOTALL)


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Change a text by tokens, half of the time; by bytes, as libFuzzer does it, otherwise."""
    chance = random.Random(seed)
    if chance.random() < 0.3:
        return atheris.Mutate(data, most)
    tokens: list[bytes] = TOKEN.findall(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        _change(tokens, chance)
    return b"".join(tokens)[:most]


def _change(tokens: list[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(tokens) + 1)
    action = chance.randrange(6)
    if not tokens or action == 0:
        tokens.insert(at, b" " + chance.choice(WORDS) + b" ")
        return
    at = min(at, len(tokens) - 1)
    if action == 1:
        del tokens[at]
    elif action == 2:  # another word of the text itself
        tokens[at] = chance.choice(tokens)
    elif action == 3:  # another value
        values = [i for i, t in enumerate(tokens) if t[:1].isdigit() or t[:1] in b'-"']
        at = chance.choice(values or [at])
        tokens[at] = chance.choice(VALUES).encode()
    elif action == 4:
        tokens[at] = chance.choice(WORDS)
    else:  # a field, a block or a part of one once more, somewhere else
        start, end = sorted((at, min(len(tokens), at + chance.randrange(1, 40))))
        to = chance.randrange(len(tokens) + 1)
        tokens[to:to] = tokens[start:end]


def one_input(data: bytes) -> None:
    """Check one text."""
    path = SCRATCH / f"netdef-fuzz-{os.getpid()}.prototxt"
    path.write_bytes(data)
    found = netdef.check(path)
    render_text(found)
    render_json(found)
    file = SourceFile.read(path)
    tree, faults = parse(file)
    fine, fine_faults = parse_finely(file)
    if not fine_faults and (faults or plain(tree) != plain(fine)):
        raise AssertionError("the two lexers make different trees")


def plain(root: object) -> list[object]:
    """Return a tree as a flat list that can be compared, without recursion."""
    flat: list[object] = []
    work = [root]
    while work:
        node = work.pop()
        inside = getattr(node, "fields", None) or getattr(node, "items", None) or []
        names = ("name", "start", "opening", "end", "raw", "value_start")
        flat.append([type(node).__name__, len(inside), *(getattr(node, n, None) for n in names)])
        work += inside
    return flat


def main() -> None:
    """Fill the folder with seeds, then fuzz until told to stop."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for index, text in enumerate(seeds()):
        (folder / f"seed-{index:04}").write_text(text, encoding="utf-8")
    sys.argv[1] = str(folder)
    logging.disable()
    workplace = tempfile.mkdtemp()  # files that a text names are looked for from here
    os.chdir(workplace)
    artifacts = f"-artifact_prefix={folder.parent}/"
    arguments = [*sys.argv, "-max_len=20000", "-rss_limit_mb=4096", "-timeout=60", artifacts]
    atheris.Setup(arguments, one_input, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
