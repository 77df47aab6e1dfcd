"""Offer of this machine: one machine type, read off the machine itself."""

import os
import shutil
import subprocess
from pathlib import Path

import psutil

from components.catalog import Accelerator, Capabilities, Catalog, MachineType, accelerators
from components.fabric import Fabric
from components.spec.scheduler import SchedulerKind

THIS_MACHINE = "this-machine"


def catalog() -> Catalog:
    """One row: this machine as the process may use it (CPU affinity and control-group limits counted in)."""
    accelerator, count = _find_accelerators()
    row = MachineType(
        name=THIS_MACHINE,
        cores=len(os.sched_getaffinity(0)),
        memory_gib=memory_gib(),
        accelerator=accelerator,
        accelerator_count=count,
        fabric=Fabric.HOST,
    )
    return Catalog(
        cloud="local",
        machine_types={THIS_MACHINE: row},
        capabilities=Capabilities(schedulers=(SchedulerKind.PROCESS,), max_nodes_per_pool=1),
    )


def memory_gib() -> float:
    """Memory of the machine, or of the control group it is limited to (cgroup v2)."""
    total = psutil.virtual_memory().total
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        total = min(total, int(text))
    return total / 2**30


def _find_accelerators() -> tuple[Accelerator | None, int]:
    """The chip and how many of it, as `nvidia-smi` reports them; (None, 0) where there is no driver or no chip."""
    if not shutil.which("nvidia-smi"):
        return None, 0
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    return parse_accelerators(answer.stdout) if answer.returncode == 0 else (None, 0)


def parse_accelerators(listing: str) -> tuple[Accelerator | None, int]:
    """The first kind of chip in a listing of `name, memory in MiB` lines, and how many lines name it."""
    rows = [line.rsplit(",", 1) for line in listing.splitlines() if "," in line]
    if not rows:
        return None, 0
    name, memory_mib = rows[0][0].strip(), int(float(rows[0][1]))
    count = sum(1 for row in rows if row[0].strip() == name)
    known = (chip for chip in accelerators().values() if chip.is_called(name))
    unknown = Accelerator(
        name=name.lower().replace(" ", "-"),
        vendor="nvidia",
        reported=name,
        memory_gib=memory_mib // 1024,
        bf16_tflops=0.0,
    )
    return next(known, unknown), count
