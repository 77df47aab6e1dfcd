"""The package installer: uv, pinned by hash, in the cache."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tools.cache import cache_root, make_once
from tools.steps import SetupError, run

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements" / "uv.txt"


def uv() -> Path:
    """The pinned uv. It is fetched with pip, once a machine."""
    version = pinned_version(REQUIREMENTS, "uv")
    return make_once(cache_root() / "tools" / f"uv-{version}", _install) / "bin" / "uv"


def pinned_version(requirements: Path, package: str) -> str:
    """The version that the requirement file pins the package to."""
    pin = re.search(rf"^{re.escape(package)}==(\S+)", requirements.read_text(), re.MULTILINE)
    if pin is None:
        raise SetupError(f"{requirements} does not pin {package}; restore the file from git")
    return pin[1]


def _install(folder: Path) -> None:
    # An environment cannot be moved, but uv is one native program and can.
    run([sys.executable, "-m", "venv", folder], what="preparing the installer")
    run(
        [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", REQUIREMENTS],
        what="fetching the installer (uv)",
    )


def installer_environment() -> dict[str, str]:
    """The environment for uv. It does not read pip's settings, so the mirror or certificate set there is handed on."""
    settings = _pip_settings()
    handed_on = {"UV_DEFAULT_INDEX": settings.get("index-url"), "SSL_CERT_FILE": settings.get("cert")}
    return {name: value for name, value in handed_on.items() if value} | os.environ | {"UV_NO_PROGRESS": "1"}


def _pip_settings() -> dict[str, str]:
    """pip's settings by name, from its files and environment."""
    pip = uv().with_name("pip")
    text = subprocess.run(
        [pip.with_name("python"), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    found = re.findall(r"^(?::env:\.|[a-z]+\.)([a-z-]+)='(.*)'$", text, re.MULTILINE)
    return dict(found)
