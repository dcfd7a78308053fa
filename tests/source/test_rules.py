"""The registry of rules: complete, without dead entries, and its examples true."""

import ast
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import netdef
from netdef.cli import main
from netdef.source import Severity
from netdef.source.rules import Rule, rules

PACKAGE = Path(netdef.__file__).parent
MAKERS = {"error", "warning", "hint", "fault", "Problem", "ValueFault", "DataFault", "Diagnostic"}
"""Functions and classes that take a rule, as do methods that end in `fault` and `report`."""
RULE = re.compile(r"[a-z]+(?:-[a-z]+)+")
DATA = (
    'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 8, 8] } } }\n'
)


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def used() -> set[str]:
    """Every rule that a maker is called with, or that is a default or constant beside them."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        constants = {
            node.targets[0].id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            places: list[ast.expr] = []
            if isinstance(node, ast.Call) and (
                _name(node) in MAKERS or re.search(r"(fault|report)$", _name(node))
            ):
                places = [*node.args, *(k.value for k in node.keywords if k.arg != "note")]
            elif isinstance(node, ast.arguments):
                places = [default for default in node.defaults if default]
            elif isinstance(node, ast.Assign) and "rule" in ast.unparse(node.targets[0]).lower():
                places = [node.value]
            for place in places:
                if isinstance(place, ast.Name):
                    place = constants.get(place.id, place)
                if isinstance(place, ast.Call):
                    continue
                found |= {
                    part.value
                    for part in ast.walk(place)
                    if isinstance(part, ast.Constant)
                    and isinstance(part.value, str)
                    and (RULE.fullmatch(part.value) or part.value in rules())
                }
    return found


def test_every_rule_is_registered_and_every_registered_rule_is_used() -> None:
    """Nobody can forget to explain a rule, or to drop what nothing says any more."""
    known = set(rules())
    made_of_parts = {"bottom-count", "top-count"}  # f"{field}-count" in infer
    not_rules = {"utf-8-sig", "latin-1"}
    assert used() - not_rules - known == set(), "say in netdef/source/rules.toml what they mean"
    assert known - used() - made_of_parts == set(), "nothing in netdef/ has these rules"


@pytest.mark.parametrize("rule", rules().values(), ids=rules())
def test_texts(rule: Rule) -> None:
    """A summary is half a sentence that fits on a line; the explanation is whole sentences."""
    assert len(rule.summary) <= 90 and not rule.summary.endswith(".")
    assert rule.why.endswith(".")
    lines = f"{rule.why}\n{rule.wrong}\n{rule.right}".splitlines()
    assert max(map(len, lines)) <= 120
    assert rule.wrong and rule.right


def _runs(example: str) -> bool:
    return "layer {" in example or example.startswith(("name:", "base_lr"))


CHECKED = [
    (rule.name, text, text is rule.wrong)
    for rule in rules().values()
    for text in (rule.wrong, rule.right)
    if _runs(text) and "# check: skip" not in text
]


@pytest.mark.parametrize(("rule", "text", "broken"), CHECKED, ids=lambda v: str(v)[:30])
def test_examples(rule: str, text: str, broken: bool, tmp_path: Path) -> None:
    """What is called wrong breaks the rule and no other; what is called right breaks none."""
    makes_data = re.search(r"""top: ["']data["']|^input:""", text)
    if "bottom: " in text and not makes_data:
        text = DATA + text
    path = tmp_path / "example.prototxt"
    path.write_text(text + "\n")
    hints = rules()[rule].severity is Severity.HINT
    found = {d.rule for d in netdef.check(path, hints=hints)}
    assert found - ({"missing-source"} - {rule}) == ({rule} if broken else set())


def test_the_list_and_an_explanation() -> None:
    """`--rules` has every rule, `--explain` all of one; neither needs a file."""
    listed = CliRunner().invoke(main, ["check", "--rules"])
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.output.splitlines()] == sorted(rules())
    explained = CliRunner().invoke(main, ["check", "--explain", "wrong-enum"])
    assert explained.exit_code == 0
    assert explained.output.startswith("wrong-enum (error): a word is not")
    assert "    layer {" in explained.output


def test_an_unknown_rule() -> None:
    """It is wrong usage, and the near name is said."""
    result = CliRunner().invoke(main, ["check", "--explain", "unknown-feild"])
    assert result.exit_code == 2
    assert "did you mean `unknown-field`?" in result.output
