"""The provider's process, and the two helpers it starts beside itself: `supervise FOLDER` and `guard FOLDER`."""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    """Exit status of the provider for the engine at the address that comes last, or of the helper that is named."""
    sys.path[0] = str(ROOT)  # this folder's own files must not hide a library's
    _import_lean(ROOT)
    os.environ.update(importlib.import_module("components.loopback").exempt_loopback(os.environ))
    match arguments:
        case ["supervise", folder]:
            return int(importlib.import_module("plugin.local.supervisor").main(Path(folder)))
        case ["guard", folder]:
            return int(importlib.import_module("plugin.local.guard").main(Path(folder)))
        case _:
            return int(importlib.import_module("plugin.server").main(arguments))


def _import_lean(root: Path) -> None:
    """Stand in for packages whose own code this process does not need.

    The engine starts this process for every preview, and the machine's user waits: the Pulumi SDK around its messages
    and the catalogs beside this folder cost more than a second to import.
    """
    sdk = importlib.util.find_spec("pulumi")
    if sdk is None or not sdk.submodule_search_locations:
        raise SystemExit("the Pulumi SDK is not installed in this Python; run `make setup`")
    pulumi = Path(sdk.submodule_search_locations[0])
    folders = {
        "pulumi": pulumi,
        "pulumi.runtime": pulumi / "runtime",
        "providers": root / "providers",
        **{f"providers.{file.parent.name}": file.parent for file in root.glob("providers/*/__init__.py")},
    }
    for name, folder in folders.items():
        module = ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
