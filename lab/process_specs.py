"""The lab's processes, as its supervisor runs them: what is started, after what, and how one sees that it serves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One process. Started again whenever it ends, as a kubelet does with a static pod."""

    name: str
    command: tuple[str, ...]
    log: str
    after: tuple[str, ...] = ()
    """Those that must serve before it is started."""
    probe: str = ""
    """An address that answers 200 when it serves; empty where being alive is all there is to see."""
    env: Mapping[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()
    """Open files that it inherits."""

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Self:
        tuples = {key: tuple(content[key]) for key in ("command", "after", "descriptors")}
        return cls(**{**content, **tuples})


def write_orders(path: Path, orders: Sequence[Order], authority: Path) -> None:
    """The file that the supervisor starts from. `authority` is what the probed certificates come from."""
    content = {"authority": str(authority), "orders": [asdict(order) for order in orders]}
    path.write_text(json.dumps(content, indent=1) + "\n")


def read_orders(path: Path) -> tuple[tuple[Order, ...], Path]:
    """The orders, and the certificate authority."""
    content = json.loads(path.read_text())
    return tuple(Order.parse(order) for order in content["orders"]), Path(content["authority"])
