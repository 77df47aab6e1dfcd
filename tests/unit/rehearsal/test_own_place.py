"""The port and the volume of a rehearsed local stack."""

import re
from pathlib import Path

import pytest
import yaml

from rehearsal.places import local as own_place
from rehearsal.places.local import keep_apart

STACK = """\
# mine
config:
  penstock:cluster: {cloud: local}
  penstock:storage:
    volume: {path: ~/runs, onDestroy: delete}
  penstock:training: {steps: 1e3, name: yes}
  penstock:inference:
    replicas: 2
    port: 8000
"""


def changed(tmp_path: Path, text: str, earlier: str = "") -> tuple[str, tuple[str, ...]]:
    copy = tmp_path / "Pulumi.local.yaml"
    copy.write_text(text)
    notes = keep_apart(copy, earlier)
    return copy.read_text(), notes


def test_port_and_volume_are_the_rehearsals_own(tmp_path: Path) -> None:
    text, notes = changed(tmp_path, STACK)
    config = yaml.safe_load(text)["config"]
    port = config["penstock:inference"]["port"]
    assert port != 8000
    assert config["penstock:inference"]["replicas"] == 2
    assert config["penstock:storage"] == {"volume": {"onDestroy": "delete"}}
    assert notes == (
        "the volume is in the rehearsal's own data folder, not where the stack file has it",
        f"the service listens on port {port}, which is the rehearsal's own",
    )


def test_what_is_not_changed_stays_as_it_is_written(tmp_path: Path) -> None:
    text, _ = changed(tmp_path, STACK)
    assert re.search(r"\{steps: 1e3, name: yes\}", text)  # the engine reads both otherwise than Python does


def test_a_service_without_a_port_gets_one(tmp_path: Path) -> None:
    text, notes = changed(tmp_path, STACK.replace("    port: 8000\n", ""))
    assert str(yaml.safe_load(text)["config"]["penstock:inference"]["port"]) in notes[-1]


def test_a_kept_rehearsal_keeps_its_port(tmp_path: Path) -> None:
    first, _ = changed(tmp_path, STACK)
    again, _ = changed(tmp_path, STACK, earlier=first)
    assert again == first


def test_consecutive_ports_are_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offers = iter([9000, 9001, 65535, 9005])
    monkeypatch.setattr(own_place, "_any_free_port", lambda: next(offers))
    monkeypatch.setattr(own_place, "_is_free", lambda port: port != 9001)
    text, _ = changed(tmp_path, STACK)
    assert yaml.safe_load(text)["config"]["penstock:inference"]["port"] == 9005


@pytest.mark.parametrize(
    "text",
    [
        "config: [",
        "",
        "config:\n  penstock:cluster: {cloud: local}\n",
        "config:\n  penstock:inference: {port: 80}\n",
        "config:\n  penstock:inference: {port: web}\n",
        "config:\n  penstock:inference: []\n  penstock:storage: {volume: here}\n",
    ],
)
def test_mistakes_are_left_for_the_program_to_tell(tmp_path: Path, text: str) -> None:
    assert changed(tmp_path, text) == (text, ())
