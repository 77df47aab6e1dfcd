"""Every rule is in the pack and on the page."""

import importlib
import re
from pathlib import Path

from policies.rule import Rule, StackRule

NOT_RULES = {"__init__", "__main__", "facts", "rule", "values", "wire"}


def rules(repository: Path) -> dict[str, Rule | StackRule]:
    """By the name of their module."""
    names = {path.stem for path in (repository / "policies").glob("*.py")} - NOT_RULES
    return {name: importlib.import_module(f"policies.{name}").RULE for name in names}


def test_the_pack_has_every_rule_once(repository: Path) -> None:
    """Making the pack starts its server, so that it is read here and not imported."""
    text = (repository / "policies" / "__main__.py").read_text()
    assert sorted(re.findall(r"(\w+)\.RULE,", text)) == sorted(rules(repository))


def test_rules_are_named_after_their_file(repository: Path) -> None:
    for module, rule in rules(repository).items():
        assert rule.name == module.replace("_", "-")


def test_the_page_lists_every_rule_with_its_level(repository: Path) -> None:
    text = (repository / "docs" / "policies.md").read_text()
    listed = dict(re.findall(r"^\| `([a-z-]+)` \| (\w+) \|", text, re.MULTILINE))
    assert listed == {rule.name: rule.level for rule in rules(repository).values()}
