"""The end of an agent's process."""

import subprocess
import sys

from tests.workloads.pretrain.runs import REPOSITORY

HEARTBEATS = """
import sys, threading, time
from torch.distributed import TCPStore
from workloads.pretrain.exits import leave
store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
def beat():
    while True:
        store.set("a", "b")
for _ in range(4):
    threading.Thread(target=beat, daemon=True).start()
time.sleep(0.3)
print("said")
leave(75)
"""


def test_threads_inside_torch_do_not_change_how_a_process_ends() -> None:
    """`sys.exit(75)` ends as SIGABRT here."""
    done = subprocess.run(
        [sys.executable, "-c", HEARTBEATS], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (75, "said\n"), done.stderr
