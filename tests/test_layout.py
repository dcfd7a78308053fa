"""The house: what lies at the top of the repository, and that every requirement is pinned."""

import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]

TOP_LEVEL = {
    "netdef",
    "proto",
    "models",
    "tools",
    "tests",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "Makefile",
    "constraints.txt",
}


def pins() -> dict[str, Version]:
    """What constraints.txt says, by canonical name."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    split = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in split}


def requirements() -> list[Requirement]:
    """Every requirement of pyproject.toml: the package's, the extras', the build's."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = pyproject["project"]
    texts = [
        *project["dependencies"],
        *(text for extra in project["optional-dependencies"].values() for text in extra),
        *pyproject["build-system"]["requires"],
    ]
    return [Requirement(text) for text in texts]


def test_the_top_level_holds_only_what_the_design_names():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    top = {path.split("/")[0] for path in tracked}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def test_constraints_are_plain_pins():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    named = [line for line in lines if line and not line.startswith("#")]
    # One version each, and none of one machine's builds (torch==2.13.0+cpu).
    assert [line for line in named if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert len(pins()) == len(named), "a package is pinned twice"


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_requirement_is_pinned_within_its_range(requirement):
    pinned = pins()
    name = canonicalize_name(requirement.name)
    assert name in pinned
    assert requirement.specifier.contains(pinned[name], prereleases=True)


def test_what_the_requirements_ask_for_is_pinned_too():
    """Walks the installed packages' own requirements; what is not installed is not walked."""
    pinned = pins()
    missing, seen = set(), set()
    waiting = requirements()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name not in pinned:
            missing.add(name)
        for extra in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            asked = [Requirement(text) for text in _requires(name)]
            waiting += [r for r in asked if r.marker is None or r.marker.evaluate({"extra": extra})]
    assert missing == set()


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []
