"""Networks of Lustre's client: a file system that is paid for with a fabric, and machines that come by TCP."""

import base64
import binascii
import re
from collections.abc import Iterator
from email import message_from_bytes
from fnmatch import fnmatchcase

from rehearsal.field.deployed import BuiltResource, Deployment, Finding, at, every
from rehearsal.field.reading import found
from rehearsal.field.service_facts import FabricMountRow

_SCRIPT = "text/x-shellscript"


def lnet(deployment: Deployment) -> Iterator[Finding]:
    """A finding for each template whose machines could reach such a file system over the fabric and are not set up for
    it, and for each file system whose fabric nothing uses.
    """
    for row in deployment.facts.fabric_mounts:
        for system in deployment.of(row.file_system):
            if not at(system.inputs, row.enabled):
                continue
            able = list(_able(deployment, row, found(deployment.resources, system, row.zone)))
            if not able:
                message = f"{system.name} has a fabric, and no machine of its zone reaches it over that"
                yield Finding(rule="lnet", subject=system.token, message=message, source=row.source)
            for template in able:
                for missing in lacking_steps(row, str(at(template.inputs, row.data) or "")):
                    message = f"machines of {template.name} reach {system.name} over TCP: their user data {missing}"
                    subject = f"{row.template.rpartition(':')[2]} {template.name}"
                    yield Finding(rule="lnet", subject=subject, message=message, source=row.source)


def lacking_steps(row: FabricMountRow, data: str) -> list[str]:
    """Steps for the fabric that the scripts in the user data, in base64, lack, in words."""
    scripts = _scripts(data)
    return [words for pattern, words in row.steps if not re.search(pattern, scripts, re.MULTILINE)]


def _able(deployment: Deployment, row: FabricMountRow, zone: object) -> Iterator[BuiltResource]:
    """Templates of machines in that zone whose fabric reaches such file systems."""
    for template in deployment.of(row.template):
        kinds = [str(kind) for kind in every(template.inputs, row.interfaces)]
        machine = str(at(template.inputs, row.machine) or "")
        beyond = any(fnmatchcase(machine, pattern) for pattern in row.without)
        if beyond or not any(kind.startswith(row.kind) for kind in kinds):
            continue
        for token, path, place in row.users:
            users = [one for one in deployment.of(token) if at(one.inputs, path) == template.id]
            if any(found(deployment.resources, one, place) == zone for one in users):
                yield template
                break


def _scripts(data: str) -> str:
    """The shell scripts that cloud-init runs of it."""
    try:
        message = message_from_bytes(base64.b64decode(data))
    except binascii.Error:
        return ""
    return "\n".join(str(part.get_payload()) for part in message.walk() if part.get_content_type() == _SCRIPT)
