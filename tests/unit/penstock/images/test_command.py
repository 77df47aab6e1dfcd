"""`penstock images` on a whole stack file, against moto's ECR."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from components.errors import PenstockError
from penstock import images
from tests.unit.penstock.images.programs import Programs
from tests.unit.penstock.images.test_push import put
from tests.unit.providers.aws.whole_stacks import changed, write

NAME = "123456789012.dkr.ecr.us-east-2.amazonaws.com/lab/penstock:0.1.0-efa"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "simulated")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    with mock_aws():
        yield str(write(changed({"cluster.expiresAt": "2099-06-01T00:00:00Z"}), tmp_path, "lab"))


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path, monkeypatch)


def test_without_an_engine_the_repository_is_made_and_the_lines_are_shown(
    file: str, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PenstockError, match=r"no container engine is here .* then run this command again"):
        images.push(file)
    shown = capsys.readouterr().out
    assert f"--target efa --tag {NAME} .\npodman push {NAME}\n" in shown
    ecr: Any = boto3.client("ecr")
    assert [one["repositoryName"] for one in ecr.describe_repositories()["repositories"]] == ["lab/penstock"]


def test_docker_without_its_daemon_is_told_with_what_helps_and_podman_is_taken_in_its_place(
    file: str, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    programs.install("docker", fails="version")
    with pytest.raises(PenstockError) as told:
        images.push(file)
    assert re.match(
        r"docker is here and does not work: no space left on device; start its daemon, or install podman or buildah, "
        r"which need none, or run the lines above .* then run this command again",
        str(told.value),
    )
    assert f"podman push {NAME}\n" in capsys.readouterr().out
    with pytest.raises(PenstockError, match=r"start its daemon, .* for the lines"):
        images.build(file)
    assert [line.split()[1] for line in programs.lines()] == ["version", "version"]
    programs.install("podman")
    images.build(file)
    assert "podman build" in " ".join(programs.lines())


def test_digests_of_what_is_there_are_written_into_the_stack_file(
    file: str, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PenstockError):
        images.push(file)
    put("penstock", "0.1.0-efa")
    put("penstock", "0.1.0-workloads")
    capsys.readouterr()
    images.push(file)
    line = next(line for line in Path(file).read_text().splitlines() if "penstock:images" in line)
    assert "0.1.0-efa: sha256:" in line
    assert "0.1.0-workloads: sha256:" in line
    assert "every `up` pulls these digests now; commit the line" in capsys.readouterr().out
    images.push(file)
    assert capsys.readouterr().out == "", "a second run finds nothing to do"


def test_the_list_says_what_is_there_what_is_missing_and_how_to_delete(
    file: str, programs: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PenstockError):
        images.push(file)
    put("penstock", "0.1.0-efa")
    capsys.readouterr()
    images.list_images(file)
    rows = capsys.readouterr().out.splitlines()
    assert any(row.startswith("penstock:0.1.0-efa ") and "sha256:" in row for row in rows)
    assert any(row.startswith("penstock:0.1.0-workloads ") and "missing" in row for row in rows)
    assert "  aws ecr delete-repository --force --region us-east-2 --repository-name lab/penstock" in rows
    assert rows[-1] == "`penstock images push lab` brings what is missing"


def test_a_build_asks_no_account(file: str, programs: Programs) -> None:
    programs.install("buildah")
    images.build(file)
    assert [line.split()[1] for line in programs.lines()] == ["build", "build"]
    assert "--tag penstock:0.1.0-efa" in programs.lines()[0]
