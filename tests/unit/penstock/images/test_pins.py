"""Digests in the stack file: one line, and nothing else changes."""

from pathlib import Path

import pytest

from penstock.images.pins import pin

DIGEST = f"sha256:{'ab' * 32}"
LINE = f"penstock:images: {{digests: {{0.1.0-efa: {DIGEST}}}}}"
FILE = """# a comment
config:
  penstock:cluster: # stays
    cloud: aws
"""


def pinned(text: str, folder: Path) -> str | None:
    file = folder / "Pulumi.x.yaml"
    file.write_text(text)
    return file.read_text() if pin(file, {"0.1.0-efa": DIGEST}) else None


def test_the_line_stands_first_under_config(tmp_path: Path) -> None:
    assert pinned(FILE, tmp_path) == FILE.replace("config:\n", f"config:\n  {LINE}\n")


def test_an_earlier_line_is_replaced(tmp_path: Path) -> None:
    earlier = FILE.replace("config:\n", "config:\n  penstock:images: {digests: {0.0.9-efa: sha256:1}}\n")
    assert pinned(earlier, tmp_path) == FILE.replace("config:\n", f"config:\n  {LINE}\n")


@pytest.mark.parametrize(
    "text",
    [
        f"{FILE}  penstock:images:\n    digests: {{}}\n",
        f"{FILE}  'penstock:images': {{digests: {{}}}}\n",
        "config: {penstock:cluster: {cloud: aws}}\n",
        "encryptionsalt: v1\n",
    ],
)
def test_another_form_is_left_as_it_is(text: str, tmp_path: Path) -> None:
    assert pinned(text, tmp_path) is None
    assert (tmp_path / "Pulumi.x.yaml").read_text() == text
    assert [file.name for file in tmp_path.iterdir()] == ["Pulumi.x.yaml"]
