"""The stack file of a rehearsal: a copy, because the engine writes its encryption salt into the file it is given."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.engine_yaml import YamlError, read_yaml
from components.project import ProjectError

ENCRYPTION_KEYS = ("encryptionsalt:", "secretsprovider:", "encryptedkey:")


def has_secrets(file: Path) -> bool:
    """True if any value in the file is encrypted. Refuses what is not YAML."""
    return _has_secure(settings_in(file))


def settings_in(file: Path) -> Any:
    """The file's content. Refuses what is not YAML that the engine takes."""
    try:
        return read_yaml(file.read_bytes()).data
    except YamlError as error:
        raise ProjectError(file, f"is not YAML that the engine takes: {error}") from None


def config_in(file: Path) -> Mapping[str, Any]:
    """The keys under `config` of the file."""
    settings = settings_in(file)
    config = settings.get("config") if isinstance(settings, Mapping) else None
    return config if isinstance(config, Mapping) else {}


def cloud_of(settings: Any) -> str:
    """`cluster.cloud` of a stack file's content, "" without one."""
    config = settings.get("config") if isinstance(settings, Mapping) else None
    cluster = (config or {}).get("penstock:cluster") if isinstance(config, Mapping | None) else None
    return str(cluster.get("cloud", "")) if isinstance(cluster, Mapping) else ""


def copy_for_rehearsal(file: Path, copy: Path, *, keep_encryption: bool) -> None:
    """Writes `copy` with the settings of `file`.

    The encryption is the file's own where `keep_encryption` says so (its secrets can be read with no other), else the
    one that an earlier rehearsal left in `copy`, else none: the engine adds it.
    """
    lines = file.read_text().splitlines()
    if not keep_encryption:
        earlier = copy.read_text().splitlines() if copy.exists() else []
        lines = [line for line in lines if not _is_encryption(line)] + [
            line for line in earlier if _is_encryption(line)
        ]
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text("\n".join(lines) + "\n")


def _is_encryption(line: str) -> bool:
    return line.startswith(ENCRYPTION_KEYS)


def _has_secure(value: Any) -> bool:
    if isinstance(value, dict):
        return "secure" in value or any(_has_secure(part) for part in value.values())
    return isinstance(value, Sequence) and not isinstance(value, str) and any(_has_secure(part) for part in value)
