"""`make bench [NAME ...]`: every benchmark, or those named; one table each."""

import importlib
import sys
from typing import Final

from bench.figures import show
from bench.load import watched

BENCHMARKS: Final = ("preview", "plan", "prepare", "trainer", "server")


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.stderr.write(f"no benchmark {unknown[0]!r}; available: {', '.join(BENCHMARKS)}\n")
        return 2
    for name in names or BENCHMARKS:
        with watched() as load:
            figures = importlib.import_module(f"bench.{name}").figures()
        show(name, figures, load.busy)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
