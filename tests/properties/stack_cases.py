"""The stack files of stack_mistakes.yaml: a base, changed in one section, and what is said of it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.errors import PenstockError, SpecError
from components.spec.stack import StackSpec
from stacks.config import read_path
from stacks.plan import plan_read
from tests.clock import NOW
from tests.clouds import CLOUDS_IN_WORDS
from tests.unit.providers.aws.whole_stacks import BATCH, BLOCK, GONE, SLURM, changed

NAMES = {
    "CLUSTER": "{cloud: local, nodePools: [{name: here, machineType: this-machine}]}",
    "BLOCK": json.dumps(BLOCK),
    "SLURM": json.dumps(SLURM),
    "BATCH": json.dumps(BATCH),
}
"""Names in texts of cases, with what they stand for."""
BASES = {
    "local": {"cluster": "CLUSTER", "training": "{steps: 5, ranksPerNode: 1}"},
    "aws": {
        "cluster": (
            "cloud: aws\nregion: us-east-2\nexpiresAt: 2027-06-01T00:00:00Z\n"
            "nodePools: [{name: train, machineType: p5.48xlarge, count: 2}]"
        ),
        "aws": "controlPlane: {reach: {ssmHost: {}}}\ntags: {}",
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
    def stack(self) -> str:
        """Name of the stack."""
        return str(self._all_changes.get("stack", "case"))

    @property
    def _changes(self) -> dict[str, Any]:
        asked = {place: value for place, value in self._all_changes.items() if place != "stack"}
        return {place: GONE if value == "GONE" else value for place, value in asked.items()}

    @property
    def _all_changes(self) -> dict[str, Any]:
        return yaml.safe_load(_written(self.raw)) if self.place.endswith(".changes") else {}

    @property
    def text(self) -> str:
        base, section = self.place.split(".")
        raw = _written(self.raw)
        if section == "file":
            return raw
        if section == "changes":
            config = {f"penstock:{key}": value for key, value in changed(self._changes).items()}
            return yaml.safe_dump({"config": config}, allow_unicode=True, sort_keys=False)
        if section == "pool":
            count = "" if re.search(r"\bcount:", raw) else "count: 2, "
            section, raw = "cluster", f"nodePools: [{{name: train, machineType: p5.48xlarge, {count}{raw}}}]"
        return text_of(base, {section: raw})


def text_of(base: str, sections: Mapping[str, str]) -> str:
    """A stack file: the base with these sections, or with these lines in a section of several."""
    parts = dict(BASES[base])
    for section, raw in sections.items():
        is_a_line = "\n" in parts.get(section, "") and not raw.startswith("{")
        parts[section] = _changed(parts[section], raw) if is_a_line else raw
    return "config:\n" + "".join(f"  penstock:{key}:\n{_indented(_written(part))}" for key, part in parts.items())


def _written(text: str) -> str:
    """The text with what its names stand for."""
    return re.sub(rf"\b({'|'.join(NAMES)})\b", lambda name: NAMES[name[0]], text)


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


def told_of(text: str, stack: str, beside: Path) -> list[str]:
    """The same for that text, in the file of that stack beside another."""
    file = beside.with_name(f"Pulumi.{stack}.yaml")
    file.write_text(text)
    return told_by_plan(file)


def told_by_plan(file: Path) -> list[str]:
    """The answer of `penstock plan` to a stack file: nothing, one reason that it cannot be read, or problems."""
    return told(lambda: read_path(file), file.stem.removeprefix("Pulumi."))


def told(read: Callable[[], StackSpec], stack: str = "case") -> list[str]:
    """The same of a stack that is read in some way, and what is right about every message."""
    try:
        plan_read(read, stack, NOW)
    except SpecError as error:
        heading, *problems = str(error).split("\n")
        count = len(problems)
        assert heading == f"Pulumi.{stack}.yaml: {count} problem{'' if count == 1 else 's'}, nothing was created"
        return [problem.strip() for problem in problems]
    except PenstockError as error:
        return [str(error)]
    return []
