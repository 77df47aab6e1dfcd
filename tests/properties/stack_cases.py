"""The stack files of stack_mistakes.yaml: a base, changed in one section, and what is said of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from components.errors import PenstockError, SpecError
from components.spec.stack import StackSpec
from providers import discover
from stacks.config import read_path
from stacks.plan import plan_stack
from tests.clock import NOW
from tests.clouds import CLOUDS_IN_WORDS

CLUSTER = "{cloud: local, nodePools: [{name: here, machineType: this-machine}]}"
BASES = {
    "local": {"cluster": CLUSTER, "training": "{steps: 5, ranksPerNode: 1}"},
    "aws": {
        "cluster": (
            "cloud: aws\nregion: us-east-2\nexpiresAt: 2027-06-01T00:00:00Z\n"
            "nodePools: [{name: train, machineType: p5.48xlarge, count: 2}]"
        )
    },
    "existing": {
        "cluster": "{cloud: existing, nodePools: [{name: train, machineType: dgx}]}",
        "existing": (
            "version: '1.34'\n"
            "machines: {dgx: {cores: 112, memoryGib: 2000, accelerator: h100, acceleratorCount: 8, "
            "devices: {nvidia.com/gpu: 8}}}"
        ),
    },
}
"""No mistake in them."""

YAML = "Pulumi.case.yaml is not YAML that the engine takes: "


@dataclass(frozen=True, slots=True)
class Case:
    """One stack file."""

    kind: str
    place: str
    raw: str
    told: tuple[str, ...]
    """Beginnings of what is said; none where the file is right."""

    @property
    def is_right(self) -> bool:
        return not self.told

    @property
    def text(self) -> str:
        base, section = self.place.split(".")
        raw = self.raw.replace("CLUSTER", CLUSTER)
        if section == "file":
            return raw
        if section == "pool":
            count = "" if re.search(r"\bcount:", raw) else "count: 2, "
            section, raw = "cluster", f"nodePools: [{{name: train, machineType: p5.48xlarge, {count}{raw}}}]"
        parts = dict(BASES[base])
        parts[section] = _changed(parts[section], raw) if "\n" in parts.get(section, "") else raw
        return "config:\n" + "".join(f"  penstock:{key}:\n{_indented(part)}" for key, part in parts.items())


def _changed(lines: str, line: str) -> str:
    """The lines with one of them in place of that with the same key."""
    key = line.partition(":")[0]
    return "\n".join([*(one for one in lines.split("\n") if one.partition(":")[0] != key), line])


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.split("\n"))


def read_cases() -> list[Case]:
    """All of them, in the order of the file."""
    content = yaml.safe_load(Path(__file__).with_name("stack_mistakes.yaml").read_text())
    return [
        Case(
            kind,
            place,
            raw,
            ()
            if told == "right"
            else tuple(re.sub("^YAML: ", YAML, part) for part in told.replace("CLOUDS", CLOUDS_IN_WORDS).split(" | ")),
        )
        for kind, places in content.items()
        for place, texts in places.items()
        for raw, told in texts.items()
    ]


def told_by_plan(file: Path) -> list[str]:
    """The answer of `penstock plan` to a stack file: nothing, one reason that it cannot be read, or mistakes."""
    return told(lambda: read_path(file))


def told(read: Callable[[], StackSpec]) -> list[str]:
    """The same of a stack that is read in some way, and what is right about every message."""
    try:
        plan_stack(discover(read()), "case", NOW)
    except SpecError as error:
        heading, *problems = str(error).split("\n")
        count = len(problems)
        assert heading == f"Pulumi.case.yaml: {count} problem{'' if count == 1 else 's'}, nothing was created"
        return [problem.strip() for problem in problems]
    except PenstockError as error:
        return [str(error)]
    return []
