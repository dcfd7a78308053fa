"""The rules that diagnostics name: `rules.toml`, read when somebody asks for it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from netdef.source.diagnostic import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of fault.

    Attributes:
        name: Its stable name, such as `unknown-field`.
        severity: How much it matters in most cases.
        summary: What it says, in one line without a full stop.
        why: Why it is so.
        wrong: An example that breaks it: prototxt, or a command.
        right: The same example, mended.
    """

    name: str
    severity: Severity
    summary: str
    why: str
    wrong: str
    right: str


@cache
def rules() -> dict[str, Rule]:
    """Return all rules by name, sorted."""
    text = Path(__file__).with_name("rules.toml").read_text(encoding="utf-8")
    data: dict[str, dict[str, str]] = tomllib.loads(text)
    return {
        name: Rule(
            name=name,
            severity=Severity(entry["severity"]),
            summary=entry["summary"],
            why=entry["why"].strip("\n"),
            wrong=entry["wrong"].strip("\n"),
            right=entry["right"].strip("\n"),
        )
        for name, entry in sorted(data.items())
    }


def list_rules() -> str:
    """Return a table of all rules: name, severity, summary."""
    width = max(map(len, rules()))
    return "".join(
        f"{rule.name:<{width}}  {rule.severity:<7}  {rule.summary}\n" for rule in rules().values()
    )


def explain(rule: Rule) -> str:
    """Return all that is known of a rule, for people."""
    wrong, right = (
        "\n".join(f"    {line}".rstrip() for line in example.split("\n"))
        for example in (rule.wrong, rule.right)
    )
    head = f"{rule.name} ({rule.severity}): {rule.summary}"
    return f"{head}\n\n{rule.why}\n\nWrong:\n\n{wrong}\n\nRight:\n\n{right}\n"
