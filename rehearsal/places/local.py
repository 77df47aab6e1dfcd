"""Changes to a rehearsal's copy of a local stack file, so that the stack itself may be up meanwhile.

Both run on this machine: the copy's service has a port of its own, and its volume is in the rehearsal's data folder.
"""

import socket
from pathlib import Path

import yaml

LOWEST_PORT, HIGHEST_PORT = 1024, 65535
TRIES = 50


def keep_apart(copy: Path, earlier: str) -> tuple[str, ...]:
    """Changes the copy; says what is not as the user's file has it. `earlier` is an earlier rehearsal's copy.

    The copy stays as it is where it is no stack file, or where its port is a mistake: that is the program's to tell.
    """
    document = _document(copy.read_text())
    service = _child(_child(document, "config"), "penstock:inference")
    volume = _child(_child(_child(document, "config"), "penstock:storage"), "volume")
    notes = []
    if isinstance(volume, yaml.MappingNode) and _child(volume, "path"):
        volume.value = [(key, value) for key, value in volume.value if key.value != "path"]
        notes.append("the volume is in the rehearsal's own data folder, not where the stack file has it")
    if isinstance(service, yaml.MappingNode) and _may_move(_child(service, "port")):
        port = _port(earlier) or _free_ports(_number(_child(service, "replicas"), 1))
        service.value = [(key, value) for key, value in service.value if key.value != "port"]
        service.value.append((_scalar("port", "str"), _scalar(str(port), "int")))
        notes.append(f"the service listens on port {port}, which is the rehearsal's own")
    if notes:
        copy.write_text(yaml.serialize(document))
    return tuple(notes)


def _document(text: str) -> yaml.Node | None:
    """The text as nodes, whose scalars stay as they are written. None where it is not YAML."""
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)


def _scalar(value: str, kind: str) -> yaml.ScalarNode:
    return yaml.ScalarNode(f"tag:yaml.org,2002:{kind}", value)


def _number(node: yaml.Node | None, default: int) -> int:
    text = node.value if isinstance(node, yaml.ScalarNode) else ""
    return int(text) if text.isdecimal() else default


def _may_move(port: yaml.Node | None) -> bool:
    return port is None or LOWEST_PORT <= _number(port, 0) <= HIGHEST_PORT


def _port(earlier: str) -> int:
    return _number(_child(_child(_child(_document(earlier), "config"), "penstock:inference"), "port"), 0)


def _free_ports(count: int) -> int:
    """The first of so many consecutive ports that nobody listens on."""
    for _ in range(TRIES):
        first = _any_free_port()
        if first + count - 1 <= HIGHEST_PORT and all(map(_is_free, range(first, first + count))):
            return first
    return _any_free_port()  # the program tells which of them is taken


def _any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
