"""Sets up a checkout: `python3 tools/bootstrap.py` (or `-m tools.bootstrap`). `make` calls it first.

This file is all that a Python too old for the rest ever reads.
"""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 (an older Python runs this line, and must be told)
        version = sys.version.split()[0]
        raise SystemExit(f"error: penstock needs Python 3.11 or newer, this is {version}; run it with a newer one")
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    runpy.run_module("tools.setup", run_name="__main__")
