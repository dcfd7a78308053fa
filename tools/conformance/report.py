"""How many recorded cases pass, and the largest differences: a table from the tests that compare.

    python tools/conformance/report.py

Differences are relative to the largest recorded value (at least 1), as the recordings ask.
"""

import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ("-q", "-n", "2", "-o", "junit_family=xunit1")  # only that one carries properties
TESTS = ("tests/layers/test_conformance.py", "tests/test_published_nets.py")


def main() -> int:
    """Run the tests, print the table, and return how the tests ended."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "results.xml")
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, f"--junitxml={path}", *TESTS],
            cwd=ROOT,
            check=False,
        )
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))  # noqa: S314 - our own
    groups: dict[str, list[ElementTree.Element]] = defaultdict(list)
    for case in cases:
        groups[_group(case)].append(case)
    print("\n| folder | passed | largest difference forward | backward |\n|---|---|---|---|")
    for name, members in groups.items():
        passed = [
            case for case in members if case.find("failure") is None and case.find("error") is None
        ]
        ran = [case for case in passed if case.find("skipped") is None]
        numbers = f"{len(ran)} of {len(members)}"
        print(f"| {name} | {numbers} | {_worst(ran, 'forward')} | {_worst(ran, 'backward')} |")
    return run.returncode


def _group(case: ElementTree.Element) -> str:
    name, _, parameter = case.get("name", "").partition("[")
    if name == "test_recorded_numbers":
        return parameter.partition("/")[0]
    return {"test_outputs": "nets", "test_shapes_of_the_corpus": "corpus (shapes)"}[name]


def _worst(cases: list[ElementTree.Element], which: str) -> str:
    values = [
        float(p.get("value", "nan"))
        for case in cases
        for p in case.iter("property")
        if p.get("name") == which
    ]
    return f"{max(values):.1e}" if values else "-"


if __name__ == "__main__":
    sys.exit(main())
