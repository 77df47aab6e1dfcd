"""The demo's own stack: a copy of the user's, whatever state that is in."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from engine.cli import find_pulumi
from engine.errors import CliMissingError
from engine.process import Result
from penstock.demo import __main__ as demo
from penstock.demo import stage


@pytest.fixture(autouse=True)
def _engine() -> None:
    try:
        find_pulumi()
    except CliMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def checkout(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the shipped local stack after `pulumi stack init local`."""
    (tmp_path / "Pulumi.yaml").write_text("name: penstock\nruntime: python\nmain: stacks/\nstackConfigDir: stacks/\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "__main__.py").write_text("import stacks.__main__\n")
    shipped = (repository / "stacks" / "Pulumi.local.yaml").read_text()
    (tmp_path / "stacks" / "Pulumi.local.yaml").write_text(f"{shipped}encryptionsalt: v1:of-the-user\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_users_salt_stays_out_of_the_demos_copy(checkout: Path) -> None:
    made = stage.set_stage(checkout)
    content = yaml.safe_load((made.folder / "stack.yaml").read_text())
    assert set(content) == {"config"}
    assert content["config"]["penstock:storage"]["volume"]["onDestroy"] == "delete"


def test_a_folder_without_a_stack_in_its_backend_is_begun_anew(checkout: Path) -> None:
    broken = checkout / ".penstock" / "demo" / "stack.yaml"
    broken.parent.mkdir(parents=True)
    broken.write_text("config: {}\nencryptionsalt: v1:of-another\n")
    stage.set_stage(checkout)
    assert "encryptionsalt" not in broken.read_text()


def test_a_stack_that_is_there_keeps_its_file(checkout: Path) -> None:
    made = stage.set_stage(checkout)
    stacks = made.folder / "backend" / ".pulumi" / "stacks" / "penstock"
    stacks.mkdir(parents=True)
    (stacks / "local.json").write_text("{}")
    before = (made.folder / "stack.yaml").read_text()
    stage.set_stage(checkout)
    assert (made.folder / "stack.yaml").read_text() == before


def test_a_stack_that_cannot_be_made_ends_the_demo() -> None:
    class RefusedError(Exception):
        pass

    class Refusing:
        def stacks(self) -> tuple[str, ...]:
            return ()

        def stack_init(self, stack: str) -> Result:
            def require_ok() -> None:
                raise RefusedError(stack)

            return cast("Result", SimpleNamespace(require_ok=require_ok))

    with pytest.raises(RefusedError):
        demo._prepare_stack(cast("stage.Stage", SimpleNamespace(engine=Refusing())), cast("Any", None))
