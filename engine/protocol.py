"""The engine's gRPC messages, loaded without the rest of the Pulumi SDK.

`import pulumi` costs 0.5 to 1 s, and the language host, which every engine command starts, needs the messages only. The
packages above the messages are stood in for while these load and taken away again, so that a later `import pulumi` in
the same process gets the real ones.
"""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.runtime.proto import language_pb2 as language
    from pulumi.runtime.proto import language_pb2_grpc as language_grpc
    from pulumi.runtime.proto import plugin_pb2 as plugin
    from pulumi.runtime.proto import provider_pb2 as provider
    from pulumi.runtime.proto import provider_pb2_grpc as provider_grpc
    from pulumi.runtime.proto import status_pb2 as status


def _load(*names: str) -> list[ModuleType]:
    """The generated modules of these names."""
    stand_ins = [] if "pulumi" in sys.modules else _stand_ins()
    for module in stand_ins:
        sys.modules[module.__name__] = module
    try:
        return [importlib.import_module(f"pulumi.runtime.proto.{name}") for name in names]
    finally:
        for module in stand_ins:
            del sys.modules[module.__name__]


def _stand_ins() -> list[ModuleType]:
    """Empty packages that only know where their submodules lie."""
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the Pulumi SDK is not installed in this Python; run `make setup`")
    folder = spec.submodule_search_locations[0]
    modules = []
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        module = ModuleType(name)
        module.__path__ = [folder + "/".join(["", *name.split(".")[1:]])]
        modules.append(module)
    return modules


if not TYPE_CHECKING:
    language, language_grpc, plugin, provider, provider_grpc, status = _load(
        "language_pb2", "language_pb2_grpc", "plugin_pb2", "provider_pb2", "provider_pb2_grpc", "status_pb2"
    )

__all__ = ["language", "language_grpc", "plugin", "provider", "provider_grpc", "status"]
