"""The project that a command is about, as found from wherever the user stands."""

from pathlib import Path

import pytest

from components import project
from components.errors import PenstockError
from components.project import CHECKOUT, ProjectError, find_project, find_stack, read_project


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's project with the stacks `dev` and `prod` in a folder; the current folder lies in it."""
    folder = tmp_path / "infrastructure"
    (folder / "notes" / "old").mkdir(parents=True)
    (folder / "settings").mkdir()
    (folder / "Pulumi.yaml").write_text("name: infrastructure\nmain: program/\nstackConfigDir: settings\n")
    (folder / "program").mkdir()
    (folder / "program" / "__main__.py").write_text('"""Ours."""\n\nimport stacks.__main__\n')
    for stack in ("dev", "prod"):
        (folder / "settings" / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    monkeypatch.chdir(folder / "notes" / "old")
    return folder


def test_the_nearest_project_upwards_is_found(own: Path) -> None:
    found = find_project()
    assert (found.folder, found.name, found.stacks()) == (own, "infrastructure", ["dev", "prod"])
    assert find_stack("dev").path == own / "settings" / "Pulumi.dev.yaml"


def test_the_checkout_is_the_project_where_there_is_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_project().folder == CHECKOUT
    assert find_project().is_penstocks
    monkeypatch.setattr(project, "CHECKOUT", tmp_path / "site-packages")
    with pytest.raises(PenstockError, match=r"no Pulumi project here: .* go to the folder of one, or make one"):
        find_project()


@pytest.mark.parametrize("given", ["settings/Pulumi.dev.yaml", "./settings/Pulumi.dev.yaml"])
def test_a_stack_files_path_is_taken_for_its_name(own: Path, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own)
    found = find_stack(given)
    assert found.name == "dev"
    assert found.project
    assert found.project.folder == own


def test_a_stack_file_beside_the_projects_own_has_no_project(own: Path, tmp_path: Path) -> None:
    for folder in (own / "notes", tmp_path):
        (folder / "Pulumi.copy.yaml").write_text("config: {}\n")
        assert find_stack(str(folder / "Pulumi.copy.yaml")).project is None
    (tmp_path / "mine.yaml").write_text("config: {}\n")
    with pytest.raises(PenstockError, match=r"mine\.yaml: a stack file is named Pulumi\.STACK\.yaml; rename it"):
        find_stack(str(tmp_path / "mine.yaml"))


def test_a_missing_stack_is_told_with_those_that_are_there(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own)
    with pytest.raises(PenstockError, match=r"'prd': settings/Pulumi\.prd\.yaml does not exist; did you mean 'prod'\?"):
        find_stack("prd")
    with pytest.raises(PenstockError, match="does not exist; there is dev, prod; a copy of one is a new stack"):
        find_stack("lab")
    (own / "settings" / "Pulumi.folder.yaml").mkdir()
    (own / "settings" / "Pulumi.link.yaml").symlink_to(own / "nowhere")
    for odd in ("folder", "link"):
        with pytest.raises(PenstockError, match="is not a file; put a stack file in its place"):
            find_stack(odd)


def test_a_program_is_told_from_penstocks(own: Path) -> None:
    assert read_project(own).is_penstocks
    (own / "program" / "__main__.py").write_text("import pulumi\n\n# not import stacks\n")
    assert not read_project(own).is_penstocks
    (own / "program" / "__main__.py").unlink()
    assert not read_project(own).is_penstocks


def test_the_examples_are_programs_of_their_own(repository: Path) -> None:
    for file in (repository / "examples").glob("*/Pulumi.yaml"):
        assert not read_project(file.parent).is_penstocks


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "is not YAML"),
        ("name: x\nsince: 2027-02-30", "is not YAML: day is out"),
        ("runtime: python", "has no name"),
        ("[]", "has no name"),
    ],
)
def test_a_project_that_cannot_be_read_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ProjectError, match=r"Pulumi\.yaml: No such file"):
        read_project(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text(text)
    with pytest.raises(ProjectError, match=problem):
        read_project(tmp_path)


def test_a_path_without_a_file_is_told_as_a_path(own: Path) -> None:
    with pytest.raises(PenstockError, match=r"^settings/Pulumi\.none\.yaml: no such stack file; give a stack's name"):
        find_stack("settings/Pulumi.none.yaml")


def test_a_files_name_without_a_folder_is_told_as_a_path_too(own: Path) -> None:
    with pytest.raises(PenstockError, match=r"^Pulumi\.none\.yaml: no such stack file; give a stack's name"):
        find_stack("Pulumi.none.yaml")
