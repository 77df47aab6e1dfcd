"""A simulated account as a Terraform configuration, and `terraform plan` of it.

Only where Terraform and its AWS provider lie on this machine: nothing is downloaded, and no account is asked. The
provider's own schema says which resource and which argument is meant; what it has no place for is counted, not hidden.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rehearsal.cloud.account import Object

MIRROR_VARIABLE: Final = "TF_PLUGIN_MIRROR"
IMPLIED_MIRRORS: Final = (
    "~/.terraform.d/plugins",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
)  # where Terraform itself looks
MOST_REFUSALS: Final = 5
NO_ARGUMENTS: Final = ("__defaults", "region", "tagsAll")

Schema = Mapping[str, Any]


class NoTerraformError(Exception):
    """Terraform or its AWS provider is not on this machine; the message says which."""


@dataclass(slots=True, kw_only=True)
class Translation:
    """`arguments` by Terraform's own type and name; what did not come along, in words."""

    arguments: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    """Resources that are not planned."""
    lost: list[str] = field(default_factory=list)
    """Arguments without a place in this version of the provider; their resources are planned."""

    @property
    def count(self) -> int:
        return sum(len(named) for named in self.arguments.values())


class Terraform:
    """One working folder. The environment lets Terraform reach its plugin folder and nothing else."""

    def __init__(self, folder: Path, region: str) -> None:
        """Refuses (MissingError) where a part of Terraform is missing."""
        program = shutil.which("terraform")
        if not program:
            raise NoTerraformError("no terraform on PATH")
        self._program = program
        self._folder = folder
        self._region = region
        settings = folder / "terraform.rc"
        settings.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror()}" }}\n}}\n')
        self._env = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))} | {
            "TF_CLI_CONFIG_FILE": str(settings),
            "CHECKPOINT_DISABLE": "1",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._write({})
        self._run("init", "-input=false")

    def translate(self, objects: Sequence[Object]) -> Translation:
        """The objects that this Terraform plans without complaint, now its configuration."""
        schemas = json.loads(self._run("providers", "schema", "-json").stdout)["provider_schemas"]
        done = translation(objects, next(iter(schemas.values()))["resource_schemas"])
        for _ in range(MOST_REFUSALS):
            self._write(done.arguments)
            refused = dict(self._refused())
            if not refused:
                return done
            for address, reason in refused.items():
                kind, _, name = address.partition(".")
                del done.arguments[kind][name]
                done.left_out.append(f"{address}: {reason}")
            done.arguments = {kind: named for kind, named in done.arguments.items() if named}
        raise NoTerraformError(f"terraform refuses the configuration: {done.left_out[-1]}")

    def plan(self) -> None:
        self._run("plan", "-refresh=false", "-input=false", "-lock=false")

    def _refused(self) -> Iterator[tuple[str, str]]:
        """Address and reason of each resource that has an error."""
        result = self._run("plan", "-json", "-refresh=false", "-input=false", "-lock=false", check=False)
        for line in result.stdout.splitlines():
            found = json.loads(line).get("diagnostic", {})
            if found.get("severity") != "error":
                continue
            context = (found.get("snippet") or {}).get("context") or ""
            address = found.get("address") or context.removeprefix("resource.")
            if not address:
                raise NoTerraformError(f"terraform plan fails: {found['summary']}")
            yield address, found["summary"]

    def _write(self, resources: Mapping[str, Any]) -> None:
        provider = {"region": self._region, "access_key": "simulated", "secret_key": "simulated"}
        skipped = ("credentials_validation", "requesting_account_id", "metadata_api_check", "region_validation")
        content = {
            "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
            "provider": {"aws": provider | {f"skip_{check}": True for check in skipped}},
        } | ({"resource": resources} if resources else {})
        (self._folder / "main.tf.json").write_text(json.dumps(content, indent=1))

    def _run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [self._program, *arguments]
        result = subprocess.run(command, cwd=self._folder, env=self._env, capture_output=True, text=True, check=False)
        if check and result.returncode:
            raise NoTerraformError(f"terraform {arguments[0]}: {result.stderr.strip()[-300:]}")
        return result


def mirror() -> Path:
    """The folder of plugins that has the AWS provider. Refuses (MissingError) where there is none."""
    named = os.environ.get(MIRROR_VARIABLE)
    folders = [Path(text).expanduser() for text in ([named] if named else IMPLIED_MIRRORS)]
    for folder in folders:
        if any(folder.glob("*/hashicorp/aws")):
            return folder
    raise NoTerraformError(f"no plugin folder with hashicorp/aws; {MIRROR_VARIABLE} names one")


def translation(objects: Sequence[Object], schemas: Mapping[str, Schema]) -> Translation:
    """Every object with the values that it has: references are identifiers, which spares Terraform their graph."""
    done = Translation()
    for thing in objects:
        kind = type_name(thing.token, schemas)
        if kind is None:
            done.left_out.append(f"{thing.token} {thing.called}: no such type")
            continue
        lost: list[str] = []
        arguments = _block(thing.inputs, schemas[kind]["block"], lost)
        named = done.arguments.setdefault(kind, {})
        named[f"{re.sub(r'[^A-Za-z0-9_-]', '_', thing.called)}_{len(named)}"] = arguments
        done.lost += [f"{kind} {name}" for name in lost]
    return done


def type_name(token: str, schemas: Mapping[str, Schema]) -> str | None:
    """`aws_subnet` for `aws:ec2/subnet:Subnet`, None for what this provider does not have."""
    module, name = token.removeprefix("aws:").split("/")
    resource = snake(name.partition(":")[0])
    return next((name for name in (f"aws_{module}_{resource}", f"aws_{resource}") if name in schemas), None)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", name)


def _block(values: Mapping[str, Any], block: Schema, lost: list[str]) -> dict[str, Any]:
    """The values under Terraform's names, as this block has them."""
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        if name in NO_ARGUMENTS or value is None:
            continue
        places = {**block.get("attributes", {}), **block.get("block_types", {})}
        target = next((each for each in _singular(snake(name)) if each in places), None)
        if target is None:
            lost.append(name)
        elif target in block.get("block_types", {}):
            arguments[target] = _blocks(value, places[target]["block"], lost)
        elif places[target].get("optional") or places[target].get("required"):
            arguments[target] = _attribute(value, places[target].get("type"))
    return arguments


def _blocks(value: Any, block: Schema, lost: list[str]) -> list[dict[str, Any]]:
    return [_block(each, block, lost) for each in (value if isinstance(value, list) else [value])]


def _attribute(value: Any, kind: Any) -> Any:
    match kind:
        case ["list" | "set", inner]:
            return [_attribute(each, inner) for each in (value if isinstance(value, list) else [value])]
        case ["object", members]:
            renamed = {snake(name): each for name, each in value.items()}
            return {name: _attribute(renamed.get(name), inner) for name, inner in members.items()}
        case _:
            return value


def _singular(name: str) -> tuple[str, ...]:
    """The SDK names a list in the plural, Terraform its blocks in the singular."""
    return (name, name.removesuffix("s"), f"{name.removesuffix('ies')}y", name.removesuffix("es"))
