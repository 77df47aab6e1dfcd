"""SDKs of clouds, loaded one resource at a time.

A service's package imports every resource that the service has: 183 files for EC2, of which a stack registers a dozen.
With `install`, done before the SDK is imported, a package imports a name's own file when the name is asked for, and
the whole of itself only for a name that no file of its own stands for.
"""

import importlib
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

SERVICES = re.compile(r"pulumi_(?:aws|azure_native)\.(?!config$)\w+|pulumi_kubernetes\.\w+\.v\w+")

COMMAND_LINE = "httpx._main"
"""httpx imports it, with rich and click, where it can be imported; a program has no use for it."""


class _Service(Loader):
    """`whole` is the loader of the package's own __init__.py."""

    def __init__(self, whole: Loader) -> None:
        self._whole = whole

    def create_module(self, spec: ModuleSpec) -> None:  # noqa: ARG002 (the interface has it)
        return None

    def exec_module(self, module: ModuleType) -> None:
        files = {path.stem.replace("_", "").lower(): path.stem for path in Path(module.__path__[0]).glob("*.py")}

        def ask(name: str) -> Any:
            """PEP 562: called for a name that the module does not have yet."""
            if name.startswith("__"):
                raise AttributeError(name)
            plain = name.replace("_", "").lower()
            own = (files.get(plain), files.get(plain.removesuffix("args")), files.get(plain.removesuffix("output")))
            for file in (*own, "_inputs", "_enums"):
                if file is None or file not in files.values():
                    continue
                part = importlib.import_module(f"{module.__name__}.{file}")
                if name in vars(part).get("__all__", ()):
                    # Set, since importing a file of the same name has set the file in its place.
                    vars(module)[name] = vars(part)[name]
                    return vars(part)[name]
                if file == name:
                    return part
            del module.__dict__["__getattr__"]
            self._whole.exec_module(module)
            return getattr(module, name)

        module.__dict__["__getattr__"] = ask


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == COMMAND_LINE:
            raise ModuleNotFoundError(f"{fullname} is left out", name=fullname)
        if not SERVICES.fullmatch(fullname):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and spec.submodule_search_locations:
            spec.loader = _Service(spec.loader)
        return spec


def install() -> None:
    """From now on; what has been imported already stays as it is."""
    sys.meta_path.insert(0, _Finder())
