"""Each message of a wrong stack file says what to do, and a file that follows it is taken."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from components.engine_yaml import read_yaml
from tests.properties.remedies import remedied
from tests.properties.stack_cases import Case, read_cases, told_of

WRONG = [case for case in read_cases() if not case.is_right]
BY_HAND = yaml.safe_load(Path(__file__).with_name("stack_remedies.yaml").read_text())


def followed(case: Case, told: list[str]) -> tuple[str, str]:
    """The name of the case's stack and its file, with all that it was told about done; empty where a message says
    nothing to do.
    """
    if by_hand := BY_HAND.get(case.kind, {}).get(case.raw):
        says, raw = by_hand
        done = replace(case, raw=raw)
        return (done.stack, done.text) if any(says in text for text in told) else ("", "")
    try:
        config = read_yaml(case.text.encode()).data
    except ValueError:
        return "", ""
    done_by_rule = [remedied(config["config"], text) for text in told]
    return (case.stack, yaml.safe_dump(config, allow_unicode=True)) if all(done_by_rule) else ("", "")


@pytest.mark.parametrize("kind", dict.fromkeys(case.kind for case in WRONG))
def test_a_file_that_follows_what_it_is_told_is_taken(kind: str, stack_file: Path) -> None:
    """All are then right but those of `again`, which are refused once more, for the reason given there."""
    unsaid, refused = {}, {}
    for case in (case for case in WRONG if case.kind == kind):
        told = told_of(case.text, case.stack, stack_file)
        stack, text = followed(case, told)
        if not text:
            unsaid[f"{case.place} {case.raw}"] = told
            continue
        again = told_of(text, stack, stack_file)
        assert not set(told) & set(again)
        if bool(again) != (case.raw in BY_HAND["again"]):
            refused[f"{case.place} {case.raw}"] = {"first": told, "then": again}
    assert (unsaid, refused) == ({}, {})
