"""The process beside a server that is not ready yet: it stops the server when the provider goes without a word."""

import sys
from pathlib import Path

from plugin.local.server_process import end

KEEP = "keep\n"
"""Word of the provider once the engine is about to know of the server."""


def main(state_folder: Path) -> int:
    """Reads one line, or the end of the provider: 0 when the server is kept, 1 when it was stopped."""
    if sys.stdin.readline() == KEEP:
        return 0
    end(state_folder, lambda _: None)
    return 1
