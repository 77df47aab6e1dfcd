"""Definitions of schedulers that lie in no module of the lab: whole, with their rules in CEL, without descriptions.

`python -m tests.lab.definitions FOLDER` writes definitions.json.gz anew from upstream's files in FOLDER.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).with_name("definitions.json.gz")
SCHEDULERS = ("kai-scheduler", "slurm-operator")
"""Files' names in FOLDER; the first line of each says where it is from."""


def definitions() -> list[dict[str, Any]]:
    """All of them, as an API server takes them."""
    held = json.loads(gzip.decompress(DATA.read_bytes()))
    return [definition for scheduler in SCHEDULERS for definition in held[scheduler]["definitions"]]


def main(folder: Path) -> None:
    """Writes the data file."""
    date = datetime.now(tz=UTC).date().isoformat()
    held = {}
    for name in SCHEDULERS:
        text = (folder / f"{name}.yaml").read_text()
        found = [_bare(one) for one in yaml.load_all(text, yaml.CSafeLoader) if one and "names" in one.get("spec", {})]
        source = text.partition("\n")[0].removeprefix("# ")
        held[name] = {"source": source, "date": date, "definitions": found}
    packed = gzip.compress(json.dumps(held, separators=(",", ":"), sort_keys=True).encode(), 9, mtime=0)
    DATA.write_bytes(packed)
    sys.stdout.write(f"{sum(len(one['definitions']) for one in held.values())} definitions, {len(packed)} bytes\n")


def _bare(node: Any) -> Any:
    """The same without texts for people."""
    if isinstance(node, list):
        return [_bare(item) for item in node]
    if not isinstance(node, dict):
        return node
    return dict(_kept(node))


def _kept(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if key != "description" or not isinstance(value, str):
            yield key, _bare(value)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
